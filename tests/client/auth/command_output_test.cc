#include "auth/command_output.h"

#include <signal.h>
#include <stdlib.h>
#include <unistd.h>

#include <chrono>

#include "status_matchers.h"

namespace larder::client {
namespace {

using ::testing::AllOf;
using ::testing::HasSubstr;
using ::testing::Not;
using std::chrono_literals::operator""ms;
using std::chrono_literals::operator""s;

std::string RunShell(const std::string& script, Duration limit = 60s) {
  const Result<SecretText> output = ReadCommand({"sh", "-c", script}, limit);
  return output.ok() ? std::string(output->Reveal()) : output.status().message();
}

TEST(CommandOutputTest, StdoutIsTheOutputAndNothingElseIs) {
  EXPECT_EQ(RunShell("echo token; echo noise >&2"), "token\n");
  EXPECT_EQ(RunShell("cat"), "") << "stdin is empty";
  EXPECT_EQ(ReadCommand({"printf", "%s", "a b; $HOME"}, 60s)->Reveal(), "a b; $HOME") << "no shell";
}

TEST(CommandOutputTest, FailureIsNamedAndWhatWasPrintedIsNot) {
  EXPECT_EQ(RunShell("echo hunter2; exit 3"), "sh: exit status 3");
  EXPECT_EQ(RunShell("echo hunter2; kill -9 $$"), "sh: ended by signal 9");
  EXPECT_EQ(ReadCommand({"/no/such/program"}, 60s).status().message(),
            "/no/such/program: No such file or directory");
  EXPECT_THAT(RunShell("yes hunter2"), AllOf(HasSubstr("over 64 KiB"), Not(HasSubstr("hunter2"))));
}

TEST(CommandOutputTest, ProgramThatHangsIsKilledWithItsChildren) {
  const Result<SecretText> output = ReadCommand({"sh", "-c", "sleep 1000 & sleep 1000"}, 1ms);
  EXPECT_EQ(output.status().code(), StatusCode::kDeadlineExceeded);
}

TEST(CommandOutputTest, ProgramThatClosedItsOutputAndGoesOnIsKilledAtTheLimit) {
  const auto before = std::chrono::steady_clock::now();
  const Result<SecretText> output = ReadCommand({"sh", "-c", "exec >&-; sleep 1000"}, 50ms);
  EXPECT_EQ(output.status().code(), StatusCode::kDeadlineExceeded);
  EXPECT_LT(std::chrono::steady_clock::now() - before, 100s);
}

TEST(CommandOutputTest, ProgramHasNoFileOfOursAndTheUsualSignals) {
  const int ours = ::dup(STDOUT_FILENO);  // not close-on-exec, as some sockets are
  ::signal(SIGPIPE, SIG_IGN);
  EXPECT_EQ(RunShell("ls /proc/self/fd | wc -l"), "4\n") << "in, out, err, and ls's own";
  EXPECT_EQ(RunShell("yes | head -n 1"), "y\n") << "yes ends by a signal";
  EXPECT_EQ(RunShell("kill -PIPE $$; echo survived"), "sh: ended by signal 13");
  ::signal(SIGPIPE, SIG_DFL);
  ::close(ours);
}

TEST(CommandOutputTest, PassphraseOfTheVaultIsNotHandedOn) {
  ::setenv("LARDER_VAULT_PASSPHRASE", "hunter2", 1);
  ::setenv("LARDER_TEST_OTHER", "other", 1);
  EXPECT_EQ(RunShell("echo $LARDER_VAULT_PASSPHRASE $LARDER_TEST_OTHER"), "other\n");
  ::unsetenv("LARDER_VAULT_PASSPHRASE");
  ::unsetenv("LARDER_TEST_OTHER");
}

}  // namespace
}  // namespace larder::client
