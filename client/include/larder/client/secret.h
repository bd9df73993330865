// Secret: a reference to a secret, resolved when it is first needed, never written in a file.
#pragma once

#include <string>
#include <string_view>

#include "larder/client/secret_text.h"
#include "larder/result.h"

namespace larder::client {

// Where a secret is to be found: `${env:NAME}`, `${file:/path}` or `${vault:NAME}` (see
// vault_access.h). Holds no secret itself.
class Secret {
 public:
  // Errors: kInvalidArgument (a literal, or a source that is not known); the message says what is
  // allowed and does not hold the text.
  static Result<Secret> Parse(std::string_view reference);

  // The secret as it is now; a file's last line break is not part of it. May block on the disk.
  // Errors: kInvalidArgument (variable not set, file not readable, nothing in it, not in the
  // vault), naming where; for the vault also as UnlockVault().
  Result<SecretText> Resolve() const;
  // "${env:NAME}"
  const std::string& reference() const { return reference_; }
  // Of the references; what they stand for is not looked at.
  friend bool operator==(const Secret&, const Secret&) = default;

 private:
  enum class Source { kEnvironment, kFile, kVault };
  Secret(Source source, std::string name, std::string reference)
      : source_(source), name_(std::move(name)), reference_(std::move(reference)) {}

  Source source_;
  std::string name_;
  std::string reference_;
};

}  // namespace larder::client
