// Console: what cachectl writes. Results go to stdout; with --json, all that is for people goes to
// stderr.
#pragma once

#include <string>
#include <string_view>
#include <utility>
#include <vector>

#include "larder/result.h"

namespace larder::cachectl {

using Rows = std::vector<std::pair<std::string, std::string>>;

class Console {
 public:
  // Colour on a terminal only, and never with NO_COLOR.
  explicit Console(bool json);

  bool json() const { return json_; }

  // Bytes as they are, to stdout.
  void Write(std::string_view bytes);
  // A line to stdout.
  void Line(std::string_view text);
  // Two columns to stdout; a row without a value is a heading.
  void Table(const Rows& rows);
  // A line for people, to stderr.
  void Note(std::string_view text);
  // Asks on the terminal. False if the answer is not yes.
  bool Confirm(std::string_view question);
  bool CanAsk() const;

  // Whether stdout has ceased to take anything; Finish says why.
  bool failed() const { return error_ != 0; }
  // Ok if all was written; a reader that has gone away is no error.
  Status Finish();

 private:
  const bool json_;
  const bool color_;
  int error_ = 0;  // errno of the first write that failed
};

}  // namespace larder::cachectl
