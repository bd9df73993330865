#include "larder/client/vault_access.h"

#include <stdlib.h>
#include <unistd.h>

#include <filesystem>
#include <fstream>

#include "larder/client/secret.h"
#include "status_matchers.h"
#include "temp_dir.h"

namespace larder::client {
namespace {

using larder::testing::TempDir;
using ::testing::HasSubstr;

constexpr VaultCost kCheap{.passes = 1, .memory_kib = 8};

class VaultAccessTest : public ::testing::Test {
 protected:
  void SetUp() override {
    for (const char* name :
         {"LARDER_VAULT_KEY_FILE", "LARDER_VAULT_PASSPHRASE", "CREDENTIALS_DIRECTORY"}) {
      ::unsetenv(name);
    }
    ::setenv("LARDER_VAULT", path_.c_str(), 1);
    SetVaultPrompt({});
    Write("openai", "sk-1");
  }
  void TearDown() override { ::unsetenv("LARDER_VAULT"); }

  // Into the vault, as another process would.
  void Write(const std::string& name, const std::string& value) {
    Result<Vault> vault = std::filesystem::exists(path_)
                              ? Vault::Open(path_, SecretText(passphrase_))
                              : Vault::Create(path_, SecretText(passphrase_), kCheap);
    ASSERT_OK(vault);
    ASSERT_OK(vault->Set(name, SecretText(value)));
    ASSERT_OK(vault->Save());
  }
  void Rekey(const std::string& passphrase) {
    Result<Vault> vault = Vault::Open(path_, SecretText(passphrase_));
    ASSERT_OK(vault);
    ASSERT_OK(vault->Rekey(SecretText(passphrase), kCheap));
    ASSERT_OK(vault->Save());
    passphrase_ = passphrase;
  }
  static std::string Get(const std::string& name = "openai") {
    const Result<Secret> secret = Secret::Parse("${vault:" + name + "}");
    if (!secret.ok()) return secret.status().message();
    const Result<SecretText> value = secret->Resolve();
    return value.ok() ? std::string(value->Reveal()) : value.status().message();
  }

  const TempDir dir_;
  const std::string path_ = dir_ / "vault";
  std::string passphrase_ = "correct horse";
};

TEST_F(VaultAccessTest, KeyFileComesBeforeVariableCredentialAndPrompt) {
  EXPECT_THAT(Get(), HasSubstr("nothing unlocks " + path_));
  int asked = 0;
  SetVaultPrompt([&](const std::string&) -> Result<SecretText> {
    ++asked;
    return SecretText("by prompt");
  });
  EXPECT_THAT(Get(), HasSubstr("wrong passphrase"));
  EXPECT_EQ(asked, 1);
  std::ofstream(dir_ / "larder-vault") << "by credential\n";
  ::setenv("CREDENTIALS_DIRECTORY", dir_.path().c_str(), 1);
  EXPECT_EQ(VaultPassphrase(path_)->Reveal(), "by credential");
  ::setenv("LARDER_VAULT_PASSPHRASE", "by variable", 1);
  EXPECT_EQ(VaultPassphrase(path_)->Reveal(), "by variable");
  std::ofstream(dir_ / "key") << "correct horse\n";
  ::setenv("LARDER_VAULT_KEY_FILE", (dir_ / "key").c_str(), 1);
  EXPECT_EQ(VaultPassphrase(path_)->Reveal(), "correct horse");
  EXPECT_EQ(Get(), "sk-1");
  EXPECT_EQ(asked, 1);
}

TEST_F(VaultAccessTest, ChangedSecretIsUsedByTheNextCallAndNobodyIsAskedAgain) {
  int asked = 0;
  SetVaultPrompt([&](const std::string&) -> Result<SecretText> {
    ++asked;
    return SecretText("correct horse");
  });
  EXPECT_EQ(Get(), "sk-1");
  Write("openai", "sk-2");
  EXPECT_EQ(Get(), "sk-2");
  EXPECT_EQ(Get(), "sk-2");
  EXPECT_EQ(asked, 1);
}

TEST_F(VaultAccessTest, RekeyedVaultIsOpenedWithWhatTheSourceSaysThen) {
  std::ofstream(dir_ / "key") << "correct horse";
  ::setenv("LARDER_VAULT_KEY_FILE", (dir_ / "key").c_str(), 1);
  EXPECT_EQ(Get(), "sk-1");
  Rekey("battery staple");
  EXPECT_THAT(Get(), HasSubstr("wrong passphrase"));
  std::ofstream(dir_ / "key", std::ios::trunc) << "battery staple";
  EXPECT_EQ(Get(), "sk-1");
}

TEST_F(VaultAccessTest, WhatIsMissingIsNamedWithWhatToDo) {
  ::setenv("LARDER_VAULT_PASSPHRASE", "correct horse", 1);
  EXPECT_THAT(Get("azure"), HasSubstr("holds no secret `azure`; `cachectl secret set azure`"));
  std::filesystem::remove(path_);
  EXPECT_THAT(Get(), HasSubstr("there is no vault " + path_));
  ::setenv("LARDER_VAULT_KEY_FILE", (dir_ / "none").c_str(), 1);
  EXPECT_THAT(VaultPassphrase(path_).status().message(), HasSubstr("No such file"));
}

TEST_F(VaultAccessTest, VaultIsLookedForBesideUsWhereNoneIsNamed) {
  ::unsetenv("LARDER_VAULT");
  const std::filesystem::path before = std::filesystem::current_path();
  std::filesystem::current_path(dir_.path());
  EXPECT_EQ(VaultPath(), "./larder-vault");
  std::filesystem::current_path(before);
}

TEST_F(VaultAccessTest, ConfigurationTellsWhetherItNeedsTheVault) {
  const auto uses = [](const std::string& token) {
    const Result<ConfigDocument> document = ConfigDocument::Load(
        {.file = {}, .environment = {{"LARDER__ADMIN__TOKEN", token}}, .flags = {}});
    EXPECT_OK(document);
    return document.ok() && UsesVault(*document);
  };
  EXPECT_TRUE(uses("${vault:admin}"));
  EXPECT_FALSE(uses("${env:ADMIN}"));
  EXPECT_FALSE(uses("null"));
}

}  // namespace
}  // namespace larder::client
