// ConfigDraft: a configuration file that is to take the place of the one in use, written beside it
// and checked as a whole.
#pragma once

#include <string>

#include "larder/client/config_document.h"
#include "larder/result.h"

namespace larder::tools {

// Beside the file until Commit; gone without.
class ConfigDraft {
 public:
  // `text` in the place of the file of `before`, which was loaded from `sources`. It has the rights
  // of that file, and is synced. Errors: kInvalidArgument (there is no file; what loading and
  // ReadToolConfig complain of, by the name of the file), kInternal (I/O).
  static Result<ConfigDraft> Write(const client::ConfigSources& sources,
                                   const client::ConfigDocument& before, std::string_view text);
  ConfigDraft(ConfigDraft&& other) noexcept;
  ConfigDraft& operator=(ConfigDraft&&) = delete;
  ~ConfigDraft();

  // As it would be in force; its origins name the draft.
  const client::ConfigDocument& document() const { return document_; }
  // Errors: kInternal.
  Status Commit();

 private:
  ConfigDraft(std::string file, client::ConfigDocument document)
      : file_(std::move(file)), document_(std::move(document)) {}

  std::string file_;  // that it is to become; empty: it has, or somebody else has it
  client::ConfigDocument document_;
};

// The text of a configuration's file. Errors: kInvalidArgument (there is none), kInternal.
Result<std::string> ReadConfigText(const client::ConfigDocument& document);

}  // namespace larder::tools
