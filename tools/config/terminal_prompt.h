// TerminalPrompt: asks whoever sits at the terminal for a secret, without showing it.
#pragma once

#include <string>
#include <string_view>

#include "larder/client/secret_text.h"
#include "larder/result.h"

namespace larder::tools {

// Whether this process has a terminal, wherever its stdin and stdout go.
bool HasTerminal();

// What is typed after `question`. Ctrl-C and Ctrl-D give up, and leave the terminal as it was.
// Errors: kUnavailable (no terminal), kCancelled (given up), kInvalidArgument (over 64 KiB).
Result<client::SecretText> AskSecret(std::string_view question);

// The passphrase of the vault at `path`; a new one is asked for twice.
// Errors: as AskSecret; kInvalidArgument also if the two differ.
Result<client::SecretText> AskPassphrase(const std::string& path);
Result<client::SecretText> AskNewPassphrase(const std::string& path);

}  // namespace larder::tools
