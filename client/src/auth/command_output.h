// CommandOutput: what a program of the user's choice prints.
#pragma once

#include <string>
#include <vector>

#include "larder/client/secret_text.h"
#include "larder/clock.h"
#include "larder/result.h"

namespace larder::client {

// Runs `words` (the program first, looked for in PATH; no shell) and returns its stdout. Its stdin
// and stderr are /dev/null; our environment is its own, but for LARDER_VAULT_PASSPHRASE. Blocks;
// after `limit` it is killed.
// Errors: kUnavailable (cannot be started, its exit status, over 64 KiB), kDeadlineExceeded; they
// name the program and nothing that it printed.
Result<SecretText> ReadCommand(const std::vector<std::string>& words, Duration limit);

}  // namespace larder::client
