#include "larder/client/secret.h"

#include <cerrno>
#include <cstdlib>
#include <cstring>
#include <fstream>

namespace larder::client {
namespace {

constexpr std::size_t kMaxSecretBytes = 64 << 10;

Status Invalid(std::string message) { return {StatusCode::kInvalidArgument, std::move(message)}; }

Result<std::string> ReadSecretFile(const std::string& path) {
  std::ifstream file(path, std::ios::binary);
  if (!file) return Invalid("cannot read " + path + ": " + std::strerror(errno));
  std::string text(kMaxSecretBytes + 1, '\0');
  file.read(text.data(), static_cast<std::streamsize>(text.size()));
  if (file.bad()) return Invalid("cannot read " + path);
  text.resize(static_cast<std::size_t>(file.gcount()));
  if (text.size() > kMaxSecretBytes) return Invalid(path + " is over 64 KiB");
  if (text.ends_with('\n')) text.pop_back();
  if (text.ends_with('\r')) text.pop_back();
  if (text.empty()) return Invalid(path + " is empty");
  return text;
}

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
  if (source == "vault") return Invalid("${vault:...} is not supported by this version");
  const std::string found = is_reference ? "another reference" : "a literal (not shown)";
  return Invalid("found " + found + R"(; allowed: "${env:NAME}", "${file:/path}")");
}

Result<std::string> Secret::Resolve() const {
  if (source_ == Source::kFile) return ReadSecretFile(name_);
  const char* value = std::getenv(name_.c_str());
  if (value == nullptr || *value == '\0')
    return Invalid("environment variable " + name_ + " is not set");
  return std::string(value);
}

}  // namespace larder::client
