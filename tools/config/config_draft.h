// ConfigDraft: a configuration file that is to take the place of the one in use, written beside it
// and checked as a whole.
#pragma once

#include <chrono>
#include <functional>
#include <memory>
#include <string>

#include "larder/client/config_document.h"
#include "larder/result.h"

namespace larder::tools {

// Makes the new text of the file out of the old one.
using ConfigTextChange = std::function<Result<std::string>(const std::string& text)>;

// Beside the file until Commit; gone without. From the reading of the old text until it is gone or
// committed no other draft of a file in this folder is written, in whatever process.
class ConfigDraft {
 public:
  // What `change` makes of the file of `before`, which was loaded from `sources`. It has the owner,
  // the group and the rights of that file, and is synced. While there is another draft it waits, as
  // long as its `patience`. Errors: those of `change`; kInvalidArgument (there is no file; what
  // loading and ReadToolConfig complain of, by the name of the file), kUnavailable (there is
  // another draft), kInternal (I/O; the owner or the group could not be kept).
  static Result<ConfigDraft> Write(const client::ConfigSources& sources,
                                   const client::ConfigDocument& before,
                                   const ConfigTextChange& change,
                                   std::chrono::milliseconds patience);
  ConfigDraft(ConfigDraft&& other) noexcept;
  ConfigDraft& operator=(ConfigDraft&&) = delete;
  ~ConfigDraft();

  // As it would be in force; its origins name the draft.
  const client::ConfigDocument& document() const { return document_; }
  // Errors: kInternal.
  Status Commit();

 private:
  class Lock;
  ConfigDraft(std::string file, std::unique_ptr<Lock> lock, client::ConfigDocument document);

  std::string file_;  // that it is to become; empty: it has, or somebody else has it
  std::unique_ptr<Lock> lock_;
  client::ConfigDocument document_;
};

}  // namespace larder::tools
