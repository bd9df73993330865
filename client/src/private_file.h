// PrivateFile: a small file of mode 0600 that is read and replaced whole.
#pragma once

#include <cstddef>
#include <string>
#include <string_view>

#include "larder/client/secret_text.h"
#include "larder/result.h"

namespace larder::client {

// All of it. Errors: kNotFound; kUnavailable (why); kDataLoss (over `most_bytes`).
Result<std::string> ReadWholeFile(const std::string& path, std::size_t most_bytes);

// A secret in a file of its own: all of it but a last line break.
// Errors: kInvalidArgument (not readable, empty, over 64 KiB), naming the file.
Result<SecretText> ReadSecretFile(const std::string& path);

// Write beside it, sync, rename, sync the folder: the old or the new one is there, whatever happens
// meanwhile; the old one stays as `PATH.backup`. Writers exclude each other: the file must still
// begin with `expected`, or, if that is empty, not be there.
// Errors: kNotFound (no such folder), kUnavailable (why); nothing was changed.
Status ReplacePrivateFile(const std::string& path, std::string_view bytes,
                          std::string_view expected);

}  // namespace larder::client
