#include "larder/client/vault.h"

#include <sys/stat.h>

#include <filesystem>
#include <fstream>
#include <iterator>

#include "hex_text.h"
#include "status_matchers.h"
#include "temp_dir.h"
#include "vault_format.h"

namespace larder::client {
namespace {

using larder::testing::FromHex;
using larder::testing::TempDir;
using ::testing::AllOf;
using ::testing::AnyOf;
using ::testing::ElementsAre;
using ::testing::HasSubstr;
using ::testing::IsEmpty;
using ::testing::Not;

constexpr VaultCost kCheap{.passes = 1, .memory_kib = 8};

std::string ReadAll(const std::string& path) {
  std::ifstream file(path, std::ios::binary);
  return {std::istreambuf_iterator<char>(file), {}};
}

void WriteAll(const std::string& path, std::string_view bytes) {
  // A new file: one that is emptied and written again goes to the disk at once, thousands of times.
  std::filesystem::remove(path);
  std::ofstream(path, std::ios::binary) << bytes;
}

class VaultTest : public ::testing::Test {
 protected:
  void SetUp() override { ::umask(0); }

  // A vault on disk with these secrets.
  void Make(const std::map<std::string, std::string>& secrets) const {
    Result<Vault> vault = Vault::Create(path_, pass_, kCheap);
    ASSERT_OK(vault);
    for (const auto& [name, value] : secrets) ASSERT_OK(vault->Set(name, SecretText(value)));
    ASSERT_OK(vault->Save());
  }
  std::string ValueOf(const std::string& name) const {
    const Result<Vault> vault = Vault::Open(path_, pass_);
    if (!vault.ok()) return vault.status().ToString();
    const SecretText* value = vault->Find(name);
    return value == nullptr ? "NONE" : std::string(value->Reveal());
  }
  Status Open(std::string_view passphrase) const {
    return Vault::Open(path_, SecretText(passphrase)).status();
  }

  const TempDir dir_;
  const std::string path_ = dir_ / "vault";
  const SecretText pass_{"correct horse"};
};

TEST_F(VaultTest, SecretsAreThereAgainWhenItIsOpened) {
  const std::string long_one(kMostSecretBytes, 'x');
  Make({{"openai", "sk-1"}, {"An-other_1.b", long_one}});
  EXPECT_EQ(ValueOf("openai"), "sk-1");
  EXPECT_EQ(ValueOf("An-other_1.b"), long_one);
  EXPECT_EQ(ValueOf("none"), "NONE");
  EXPECT_THAT(Vault::Open(path_, pass_)->Names(), ElementsAre("An-other_1.b", "openai"));
}

TEST_F(VaultTest, FileShowsNeitherNamesNorValuesNorTheirLengths) {
  Make({{"openai", "sk-planted"}});
  const std::string file = ReadAll(path_);
  EXPECT_THAT(file, Not(HasSubstr("openai")));
  EXPECT_THAT(file, Not(HasSubstr("planted")));
  const std::size_t size = file.size();
  std::filesystem::remove(path_);
  Make({{"openai", "sk-planted-and-longer"}, {"second", "x"}});
  EXPECT_EQ(ReadAll(path_).size(), size);
}

TEST_F(VaultTest, FileAndBackupAreForTheirOwnerOnlyWhateverTheUmask) {
  Make({{"a", "1"}});
  Result<Vault> vault = Vault::Open(path_, pass_);
  ASSERT_OK(vault->Save());
  for (const std::string& path : {path_, path_ + ".backup"}) {
    EXPECT_EQ(std::filesystem::status(path).permissions(), std::filesystem::perms(0600)) << path;
  }
}

TEST_F(VaultTest, BackupIsTheVersionBefore) {
  Make({{"a", "1"}});
  const std::string first = ReadAll(path_);
  Result<Vault> vault = Vault::Open(path_, pass_);
  ASSERT_OK(vault->Set("a", SecretText("2")));
  ASSERT_OK(vault->Save());
  EXPECT_EQ(ValueOf("a"), "2");
  EXPECT_EQ(ReadAll(path_ + ".backup"), first);
  ASSERT_OK(vault->Set("a", SecretText("3")));
  ASSERT_OK(vault->Save());
  EXPECT_EQ(ValueOf("a"), "3");
  EXPECT_NE(ReadAll(path_ + ".backup"), first);
  EXPECT_FALSE(std::filesystem::exists(path_ + ".new"));
  EXPECT_FALSE(std::filesystem::exists(path_ + ".backup.new"));
}

TEST_F(VaultTest, EverySavingUsesAnotherNonce) {
  Make({{"a", "1"}});
  const std::string first = ReadAll(path_);
  ASSERT_OK(Vault::Open(path_, pass_)->Save());
  const Result<VaultParts> before = SplitVault(first);
  const std::string second = ReadAll(path_);
  const Result<VaultParts> after = SplitVault(second);
  EXPECT_EQ(before->header.salt, after->header.salt);
  EXPECT_NE(before->header.nonce, after->header.nonce);
  EXPECT_NE(before->sealed, after->sealed);
}

TEST_F(VaultTest, WrongPassphraseIsToldAsSuch) {
  Make({{"a", "1"}});
  const Status status = Open("correct house");
  EXPECT_EQ(status.code(), StatusCode::kInvalidArgument);
  EXPECT_EQ(status.message(), path_ + ": wrong passphrase");
}

TEST_F(VaultTest, TruncationIsToldAtEveryLength) {
  Make({{"a", "1"}});
  const std::string whole = ReadAll(path_);
  for (std::size_t size = 0; size < whole.size(); ++size) {
    WriteAll(path_, whole.substr(0, size));
    const Status status = Open("correct horse");
    ASSERT_EQ(status.code(), StatusCode::kDataLoss) << size;
    ASSERT_THAT(status.message(), HasSubstr("cut short")) << size;
  }
  WriteAll(path_, whole + "x");
  EXPECT_THAT(Open("correct horse").message(), HasSubstr("something was added"));
}

TEST_F(VaultTest, EveryChangedByteIsNoticedAndNotTakenForAWrongPassphrase) {
  Make({{"a", "1"}});
  const std::string whole = ReadAll(path_);
  for (std::size_t at = 0; at < whole.size(); ++at) {
    std::string changed = whole;
    changed[at] = static_cast<char>(changed[at] ^ 0x20);
    WriteAll(path_, changed);
    const Status status = Open("correct horse");
    ASSERT_EQ(status.code(), StatusCode::kDataLoss) << at;
    ASSERT_THAT(status.message(),
                AnyOf(HasSubstr("not a vault"), HasSubstr("does not know"),
                      HasSubstr("header is damaged"), HasSubstr("changed or damaged")))
        << at;
  }
}

// Somebody who can write the file, but does not know the passphrase, makes a sound header.
TEST_F(VaultTest, HeaderThatWasForgedDoesNotOpenTheRest) {
  Make({{"a", "1"}});
  const std::string whole = ReadAll(path_);
  const Result<VaultParts> parts = SplitVault(whole);
  VaultHeader header = parts->header;
  header.nonce[0] = static_cast<char>(header.nonce[0] ^ 1);
  WriteAll(path_, EncodeVaultHeader(header) + std::string(parts->sealed));
  EXPECT_THAT(Open("correct horse").message(), HasSubstr("changed or damaged"));
  header = parts->header;
  header.salt[0] = static_cast<char>(header.salt[0] ^ 1);
  WriteAll(path_, EncodeVaultHeader(header) + std::string(parts->sealed));
  EXPECT_THAT(Open("correct horse").message(), HasSubstr("wrong passphrase"));
  header.cost.memory_kib = 0xffffffff;
  WriteAll(path_, EncodeVaultHeader(header) + std::string(parts->sealed));
  EXPECT_THAT(Open("correct horse").message(), HasSubstr("cost of key derivation"));
}

TEST_F(VaultTest, OtherFilesAreNotTakenForVaults) {
  EXPECT_EQ(Open("correct horse").code(), StatusCode::kNotFound);
  WriteAll(path_, "{ \"openai\": \"sk-planted\" }");
  const Status status = Open("correct horse");
  EXPECT_EQ(status.message(), path_ + ": not a vault");
  WriteAll(path_, "larder vault 2\n and what comes with it");
  EXPECT_THAT(Open("correct horse").message(), HasSubstr("version"));
}

TEST_F(VaultTest, RekeyedVaultOpensWithTheNewPassphraseOnly) {
  Make({{"a", "1"}});
  Result<Vault> vault = Vault::Open(path_, pass_);
  ASSERT_OK(vault->Rekey(SecretText("battery staple"), kCheap));
  EXPECT_OK(Open("correct horse"));  // nothing is written before Save()
  ASSERT_OK(vault->Save());
  EXPECT_THAT(Open("correct horse").message(), HasSubstr("wrong passphrase"));
  EXPECT_OK(Open("battery staple"));
}

TEST_F(VaultTest, ReopeningSeesChangesButNotThroughAnotherPassphrase) {
  Make({{"a", "1"}});
  const Result<Vault> mine = Vault::Open(path_, pass_);
  Result<Vault> other = Vault::Open(path_, pass_);
  ASSERT_OK(other->Set("a", SecretText("2")));
  ASSERT_OK(other->Save());
  const Result<Vault> again = mine->Reopen();
  ASSERT_OK(again);
  EXPECT_EQ(again->Find("a")->Reveal(), "2");
  ASSERT_OK(other->Rekey(SecretText("battery staple"), kCheap));
  ASSERT_OK(other->Save());
  EXPECT_EQ(mine->Reopen().status().code(), StatusCode::kInvalidArgument);
}

TEST_F(VaultTest, WriterWhoWouldUndoAnotherIsRefused) {
  Make({{"a", "1"}});
  Result<Vault> first = Vault::Open(path_, pass_);
  Result<Vault> second = Vault::Open(path_, pass_);
  ASSERT_OK(first->Set("b", SecretText("2")));
  ASSERT_OK(first->Save());
  ASSERT_OK(second->Set("c", SecretText("3")));
  const Status status = second->Save();
  EXPECT_EQ(status.code(), StatusCode::kUnavailable);
  EXPECT_THAT(status.message(), HasSubstr("written by another"));
  EXPECT_EQ(ValueOf("b"), "2");
  Result<Vault> created = Vault::Create(path_, pass_, kCheap);
  EXPECT_EQ(created->Save().code(), StatusCode::kUnavailable);
  EXPECT_EQ(ValueOf("b"), "2");
}

TEST_F(VaultTest, FileStaysWhereItCannotBeReplaced) {
  Make({{"a", "1"}});
  Result<Vault> vault = Vault::Open(path_, pass_);
  ASSERT_OK(vault->Set("a", SecretText("2")));
  std::filesystem::create_directories(path_ + ".new/in the way");
  EXPECT_EQ(vault->Save().code(), StatusCode::kUnavailable);
  EXPECT_EQ(ValueOf("a"), "1");
}

TEST_F(VaultTest, NamesAndValuesThatDoNotFitAreRefused) {
  Result<Vault> vault = Vault::Create(path_, pass_, kCheap);
  ASSERT_OK(vault);
  for (const std::string& name : {std::string(), std::string("a b"), std::string("a/b"),
                                  std::string("ä"), std::string(65, 'a')}) {
    EXPECT_EQ(vault->Set(name, SecretText("x")).code(), StatusCode::kInvalidArgument) << name;
  }
  EXPECT_EQ(vault->Set("a", SecretText()).code(), StatusCode::kInvalidArgument);
  const Status too_long = vault->Set("a", SecretText(std::string(kMostSecretBytes + 1, 'x')));
  EXPECT_EQ(too_long.code(), StatusCode::kInvalidArgument);
  Status status;
  int count = 0;
  for (; status.ok(); ++count) {
    status =
        vault->Set("n" + std::to_string(count), SecretText(std::string(kMostSecretBytes, 'x')));
  }
  EXPECT_EQ(status.code(), StatusCode::kResourceExhausted);
  ASSERT_OK(vault->Save());
  EXPECT_EQ(ValueOf("n" + std::to_string(count - 2)).size(), kMostSecretBytes);
}

TEST_F(VaultTest, RemovedSecretIsGone) {
  Make({{"a", "1"}, {"b", "2"}});
  Result<Vault> vault = Vault::Open(path_, pass_);
  EXPECT_TRUE(vault->Remove("a"));
  EXPECT_FALSE(vault->Remove("a"));
  ASSERT_OK(vault->Save());
  EXPECT_EQ(ValueOf("a"), "NONE");
  EXPECT_EQ(ValueOf("b"), "2");
}

TEST_F(VaultTest, PassphraseThatIsNoneIsRefused) {
  EXPECT_EQ(Vault::Create(path_, SecretText("1234567"), kCheap).status().code(),
            StatusCode::kInvalidArgument);
}

// Made once by version 1 and never changed.
TEST_F(VaultTest, FileOfVersion1IsStillRead) {
  std::ifstream lines(LARDER_FORMAT_DATA "/vault_v1.txt");
  std::string hex;
  ASSERT_TRUE(std::getline(lines, hex));
  WriteAll(path_, FromHex(hex));
  EXPECT_EQ(ValueOf("openai"), "sk-golden-1");
  EXPECT_EQ(ValueOf("second"), std::string("\0\xff bytes", 8));
}

TEST(VaultFormatTest, SecretsThatAreNotAsWrittenAreRefused) {
  using std::string_literals::operator""s;
  const auto read = [](const std::string& plain) { return DecodeVaultSecrets(plain).has_value(); };
  EXPECT_TRUE(read("\1a\1\0\0\0x\0"s));
  EXPECT_TRUE(read("\0\0\0"s));
  EXPECT_FALSE(read(""s));                            // no end
  EXPECT_FALSE(read("\1a\1\0\0\0x"s));                // no end
  EXPECT_FALSE(read("\1a\1\0\0\0x\0y"s));             // something after it
  EXPECT_FALSE(read("\1a\xff\xff\xff\xffx\0"s));      // a length beyond the end
  EXPECT_FALSE(read("\1a\0\0\0\0\0"s));               // an empty value
  EXPECT_FALSE(read("\1/\1\0\0\0x\0"s));              // not a name
  EXPECT_FALSE(read("\1a\1\0\0\0x\1a\1\0\0\0x\0"s));  // twice
  EXPECT_FALSE(read("\1b\1\0\0\0x\1a\1\0\0\0x\0"s));  // not in order
}

}  // namespace
}  // namespace larder::client
