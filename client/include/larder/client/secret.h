// Secret: a reference to a secret, resolved when it is first needed, never written in a file.
#pragma once

#include <string>
#include <string_view>

#include "larder/result.h"

namespace larder::client {

// Where a secret is to be found: `${env:NAME}` or `${file:/path}`. Holds no secret itself.
class Secret {
 public:
  // Errors: kInvalidArgument (a literal, or a source that is not known); the message says what is
  // allowed and does not hold the text.
  static Result<Secret> Parse(std::string_view reference);

  // The secret as it is now; a file's last line break is not part of it.
  // Errors: kInvalidArgument (variable not set, file not readable, nothing in it), naming where.
  Result<std::string> Resolve() const;
  // "${env:NAME}"
  const std::string& reference() const { return reference_; }

 private:
  enum class Source { kEnvironment, kFile };
  Secret(Source source, std::string name, std::string reference)
      : source_(source), name_(std::move(name)), reference_(std::move(reference)) {}

  Source source_;
  std::string name_;
  std::string reference_;
};

}  // namespace larder::client
