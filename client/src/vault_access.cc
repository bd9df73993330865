#include "larder/client/vault_access.h"

#include <sys/stat.h>
#include <unistd.h>

#include <cstdlib>
#include <mutex>
#include <optional>
#include <utility>

#include "larder/client/config_keys.h"
#include "private_file.h"

namespace larder::client {
namespace {

constexpr const char* kBesideUs = "./larder-vault";
constexpr const char* kOfTheMachine = "/etc/larder/vault";

std::string Variable(const char* name) {
  const char* value = std::getenv(name);
  return value == nullptr ? "" : value;
}

bool Exists(const std::string& path) { return ::access(path.c_str(), F_OK) == 0; }

Result<SecretText> PassphraseFor(const std::string& path, const VaultPrompt& prompt) {
  const std::string key_file = Variable("LARDER_VAULT_KEY_FILE");
  if (!key_file.empty()) return ReadSecretFile(key_file);
  std::string passphrase = Variable("LARDER_VAULT_PASSPHRASE");
  if (!passphrase.empty()) return SecretText::Take(passphrase);
  const std::string credentials = Variable("CREDENTIALS_DIRECTORY");
  if (!credentials.empty() && Exists(credentials + "/larder-vault")) {
    return ReadSecretFile(credentials + "/larder-vault");
  }
  if (prompt) return prompt(path);
  return Status(StatusCode::kInvalidArgument,
                "nothing unlocks " + path +
                    ": set LARDER_VAULT_KEY_FILE or LARDER_VAULT_PASSPHRASE, pass the systemd "
                    "credential larder-vault, or start on a terminal");
}

// What tells one version of a file from another: they are replaced, never changed in place.
struct FileVersion {
  std::string path;
  ino_t inode = 0;
  off_t size = 0;
  timespec modified = {};

  static FileVersion Of(const std::string& path) {
    struct stat info {};
    if (::stat(path.c_str(), &info) != 0) return {.path = path};
    return {path, info.st_ino, info.st_size, info.st_mtim};
  }
  bool operator==(const FileVersion& other) const {
    return path == other.path && inode == other.inode && size == other.size &&
           modified.tv_sec == other.modified.tv_sec && modified.tv_nsec == other.modified.tv_nsec;
  }
};

// The vault of the process; one mutex, because all of it happens at most once a change of the file.
class ProcessVault {
 public:
  void SetPrompt(VaultPrompt prompt) {
    const std::lock_guard lock(mutex_);
    prompt_ = std::move(prompt);
  }

  VaultPrompt Prompt() {
    const std::lock_guard lock(mutex_);
    return prompt_;
  }

  Status Refresh() {
    const std::lock_guard lock(mutex_);
    return RefreshLocked();
  }

  Result<SecretText> Find(std::string_view name) {
    const std::lock_guard lock(mutex_);
    if (Status status = RefreshLocked(); !status.ok()) return status;
    const SecretText* secret = vault_->Find(name);
    if (secret != nullptr) return secret->Copy();
    return Status(StatusCode::kInvalidArgument, vault_->path() + " holds no secret `" +
                                                    std::string(name) + "`; `cachectl secret set " +
                                                    std::string(name) + "` adds it");
  }

 private:
  Status RefreshLocked() {
    const std::string path = VaultPath();
    const FileVersion now = FileVersion::Of(path);
    if (vault_ && now == version_) return Status::Ok();
    Result<Vault> vault = OpenLocked(path);
    if (!vault.ok()) return vault.status();
    vault_ = *std::move(vault);
    version_ = now;
    return Status::Ok();
  }

  Result<Vault> OpenLocked(const std::string& path) {
    if (!Exists(path)) {
      return Status(StatusCode::kInvalidArgument,
                    "there is no vault " + path + "; `cachectl secret set NAME` makes one");
    }
    if (vault_ && vault_->path() == path) {
      Result<Vault> again = vault_->Reopen();
      if (again.ok() || again.status().code() != StatusCode::kInvalidArgument) return again;
    }
    const Result<SecretText> passphrase = PassphraseFor(path, prompt_);
    if (!passphrase.ok()) return passphrase.status();
    return Vault::Open(path, *passphrase);
  }

  std::mutex mutex_;
  VaultPrompt prompt_;
  std::optional<Vault> vault_;
  FileVersion version_;
};

ProcessVault& TheVault() {
  static ProcessVault vault;
  return vault;
}

}  // namespace

std::string VaultPath() {
  const std::string named = Variable("LARDER_VAULT");
  if (!named.empty()) return named;
  return !Exists(kBesideUs) && Exists(kOfTheMachine) ? kOfTheMachine : kBesideUs;
}

void SetVaultPrompt(VaultPrompt prompt) { TheVault().SetPrompt(std::move(prompt)); }

Result<SecretText> VaultPassphrase(const std::string& path) {
  return PassphraseFor(path, TheVault().Prompt());
}

Status UnlockVault() { return TheVault().Refresh(); }

Result<SecretText> FindInVault(std::string_view name) { return TheVault().Find(name); }

bool UsesVault(const ConfigDocument& document) {
  for (const std::string& pointer : document.Pointers()) {
    const ConfigKey* key = FindConfigKey(FromPointer(pointer));
    if (key == nullptr || key->type != ConfigType::kSecret || document.IsNull(pointer)) continue;
    if (document.Text(pointer).starts_with("${vault:")) return true;
  }
  return false;
}

}  // namespace larder::client
