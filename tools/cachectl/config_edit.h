// ConfigEdit: the configuration that a command line is about, to be looked at and changed: that of
// the process behind --socket, else the file.
#pragma once

#include <string>

#include "config_draft.h"
#include "invocation.h"
#include "larder/client/config_document.h"
#include "larder/result.h"

namespace larder::cachectl {

// Where the configuration of the command line comes from.
client::ConfigSources ConfigSourcesOf(const Invocation& invocation);
// Errors: kInvalidArgument, as a whole.
Result<client::ConfigDocument> LoadCheckedConfig(const Invocation& invocation);

// What `config show --json` says. Errors: kInvalidArgument, kUnavailable.
Result<std::string> ShownConfig(const Invocation& invocation);
// Changes the file by a merge patch, checked as a whole; what `config set --json` says. Errors:
// kInvalidArgument (nothing has changed then), kUnavailable, kInternal.
Result<std::string> PatchConfig(const std::string& patch, const Invocation& invocation);
// The same of the file of `before`, by any change of its text.
Result<std::string> ChangeConfig(const client::ConfigDocument& before, const Invocation& invocation,
                                 const tools::ConfigTextChange& change);

}  // namespace larder::cachectl
