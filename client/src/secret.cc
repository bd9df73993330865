#include "larder/client/secret.h"

#include <cstdlib>
#include <utility>

#include "larder/client/vault_access.h"
#include "private_file.h"
#include "vault_format.h"

namespace larder::client {
namespace {

Status Invalid(std::string message) { return {StatusCode::kInvalidArgument, std::move(message)}; }

}  // namespace

Result<Secret> Secret::Parse(std::string_view reference) {
  const bool is_reference = reference.starts_with("${") && reference.ends_with('}');
  const std::string_view inner =
      is_reference ? reference.substr(2, reference.size() - 3) : std::string_view();
  const std::size_t colon = inner.find(':');
  const std::string_view source = inner.substr(0, colon);
  const std::string name(colon == inner.npos ? "" : inner.substr(colon + 1));
  if (source == "env" && !name.empty()) {
    return Secret(Source::kEnvironment, name, std::string(reference));
  }
  if (source == "file" && name.starts_with('/')) {
    return Secret(Source::kFile, name, std::string(reference));
  }
  if (source == "vault" && IsSecretName(name)) {
    return Secret(Source::kVault, name, std::string(reference));
  }
  const std::string found = is_reference ? "another reference" : "a literal (not shown)";
  return Invalid("found " + found +
                 R"(; allowed: "${env:NAME}", "${file:/path}", "${vault:NAME}")");
}

Result<SecretText> Secret::Resolve() const {
  if (source_ == Source::kVault) return FindInVault(name_);
  if (source_ == Source::kFile) return ReadSecretFile(name_);
  const char* value = std::getenv(name_.c_str());
  if (value == nullptr || *value == '\0')
    return Invalid("environment variable " + name_ + " is not set");
  return SecretText(value);
}

}  // namespace larder::client
