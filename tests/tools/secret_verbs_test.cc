// cachectl's verbs for the vault, as people run them.
#include <filesystem>
#include <fstream>
#include <iterator>

#include "larder/client/vault.h"
#include "run_on_terminal.h"
#include "run_program.h"
#include "status_matchers.h"
#include "temp_dir.h"

namespace larder::cachectl {
namespace {

using larder::testing::Dialogue;
using larder::testing::ProgramEnd;
using larder::testing::RunOnTerminal;
using larder::testing::RunProgram;
using larder::testing::TempDir;
using ::testing::AllOf;
using ::testing::HasSubstr;
using ::testing::Not;

class SecretVerbsTest : public ::testing::Test {
 protected:
  // `cachectl ARGUMENTS` in the test's directory, unlocked by a variable.
  ProgramEnd Run(std::vector<std::string> arguments, const std::string& input = {}) const {
    arguments.insert(arguments.begin(), CACHECTL_PROGRAM);
    return RunProgram({.words = std::move(arguments),
                       .directory = dir_.path(),
                       .environment = {{"LARDER_VAULT_PASSPHRASE", passphrase_}},
                       .input = input});
  }
  ProgramEnd RunAtTerminal(std::vector<std::string> arguments, const Dialogue& dialogue) const {
    arguments.insert(arguments.begin(), CACHECTL_PROGRAM);
    return RunOnTerminal({.words = std::move(arguments), .directory = dir_.path()}, dialogue);
  }
  std::string ValueOf(const std::string& name) const {
    const Result<client::Vault> vault =
        client::Vault::Open(dir_ / "larder-vault", client::SecretText(passphrase_));
    if (!vault.ok()) return vault.status().message();
    const client::SecretText* value = vault->Find(name);
    return value == nullptr ? "NONE" : std::string(value->Reveal());
  }

  const TempDir dir_;
  std::string passphrase_ = "correct horse";
};

TEST_F(SecretVerbsTest, SecretGoesInFromStdinAndIsListedByNameOnly) {
  ProgramEnd end = Run({"secret", "set", "openai"}, "sk-planted\n");
  EXPECT_EQ(end.exit_status, 0) << end.err;
  EXPECT_EQ(end.out, "${vault:openai} is in ./larder-vault\n");
  EXPECT_EQ(ValueOf("openai"), "sk-planted");
  EXPECT_EQ(Run({"secret", "set", "azure", "--json"}, "sk-planted").out,
            "{\"vault\":\"./larder-vault\",\"name\":\"azure\"}\n");
  EXPECT_EQ(Run({"secret", "ls"}).out, "azure\nopenai\n");
  end = Run({"secret", "ls", "--json"});
  EXPECT_EQ(end.out, "{\"name\":\"azure\"}\n{\"name\":\"openai\"}\n");
  EXPECT_THAT(end.out + end.err, Not(HasSubstr("planted")));
}

TEST_F(SecretVerbsTest, ValueOnTheCommandLineIsRefused) {
  EXPECT_EQ(Run({"secret", "set", "openai", "sk-planted"}).exit_status, 2);
  EXPECT_FALSE(std::filesystem::exists(dir_ / "larder-vault"));
  const ProgramEnd end = Run({"secret", "set", "open ai"}, "sk-planted");
  EXPECT_EQ(end.exit_status, 2);
  EXPECT_THAT(end.err, AllOf(HasSubstr("not a name"), Not(HasSubstr("planted"))));
  EXPECT_FALSE(std::filesystem::exists(dir_ / "larder-vault"));
}

TEST_F(SecretVerbsTest, RemovedSecretIsGoneAndAMissingOneIsStatus1) {
  Run({"secret", "set", "a"}, "1");
  Run({"secret", "set", "b"}, "2");
  const ProgramEnd end = Run({"secret", "rm", "a", "none"});
  EXPECT_EQ(end.exit_status, 1);
  EXPECT_THAT(end.err, HasSubstr("holds no secret `none`"));
  EXPECT_EQ(ValueOf("a"), "NONE");
  EXPECT_EQ(ValueOf("b"), "2");
}

TEST_F(SecretVerbsTest, RekeyTakesTheNewPassphraseFromStdin) {
  Run({"secret", "set", "a"}, "1");
  const ProgramEnd end = Run({"secret", "rekey"}, "battery staple\n");
  EXPECT_EQ(end.exit_status, 0) << end.err;
  EXPECT_THAT(end.err, HasSubstr("larder-vault.backup"));
  EXPECT_THAT(Run({"secret", "ls"}).err, HasSubstr("wrong passphrase"));
  passphrase_ = "battery staple";
  EXPECT_EQ(ValueOf("a"), "1");
}

TEST_F(SecretVerbsTest, EachFaultHasItsExitStatus) {
  EXPECT_EQ(Run({"secret", "ls"}).exit_status, 1) << "no vault";
  Run({"secret", "set", "a"}, "1");
  passphrase_ = "wrong horse";
  EXPECT_EQ(Run({"secret", "ls"}).exit_status, 2) << "wrong passphrase";
  std::filesystem::resize_file(dir_ / "larder-vault", 200);
  const ProgramEnd end = Run({"secret", "ls"});
  EXPECT_EQ(end.exit_status, 4) << "corruption";
  EXPECT_THAT(end.err, HasSubstr("cut short"));
}

TEST_F(SecretVerbsTest, TerminalIsAskedAndShowsNothingOfWhatIsTyped) {
  ProgramEnd end = RunAtTerminal({"secret", "set", "openai"},
                                 {{"new passphrase for ./larder-vault: ", "correct horse\n"},
                                  {"once more: ", "correct hoo\177rse\n"},
                                  {"value of openai: ", "sk-planted\n"}});
  EXPECT_EQ(end.exit_status, 0) << end.out;
  EXPECT_THAT(end.out, AllOf(Not(HasSubstr("horse")), Not(HasSubstr("planted"))));
  EXPECT_EQ(ValueOf("openai"), "sk-planted");
  end = RunAtTerminal({"secret", "ls"}, {{"passphrase of ./larder-vault: ", "correct horse\n"}});
  EXPECT_THAT(end.out, HasSubstr("openai"));
}

TEST_F(SecretVerbsTest, TwoDifferentPassphrasesOrGivingUpChangeNothing) {
  ProgramEnd end =
      RunAtTerminal({"secret", "set", "openai"},
                    {{"new passphrase", "correct horse\n"}, {"once more: ", "correct house\n"}});
  EXPECT_EQ(end.exit_status, 2);
  EXPECT_THAT(end.out, HasSubstr("differ"));
  end = RunAtTerminal({"secret", "set", "openai"}, {{"new passphrase", "corr\003"}});
  EXPECT_EQ(end.exit_status, 5);
  EXPECT_THAT(end.out, HasSubstr("given up"));
  EXPECT_FALSE(std::filesystem::exists(dir_ / "larder-vault"));
}

}  // namespace
}  // namespace larder::cachectl
