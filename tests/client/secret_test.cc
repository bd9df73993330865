#include "larder/client/secret.h"

#include <cstdlib>
#include <fstream>

#include "status_matchers.h"
#include "temp_dir.h"

namespace larder::client {
namespace {

using larder::testing::TempDir;
using ::testing::HasSubstr;
using ::testing::Not;

TEST(SecretTest, VariableIsReadAtUseAndNotBefore) {
  ::unsetenv("LARDER_TEST_SECRET");
  const Result<Secret> secret = Secret::Parse("${env:LARDER_TEST_SECRET}");
  ASSERT_OK(secret);
  EXPECT_EQ(secret->Resolve().status().message(),
            "environment variable LARDER_TEST_SECRET is not set");
  ::setenv("LARDER_TEST_SECRET", "hunter2", 1);
  const Result<SecretText> value = secret->Resolve();
  ASSERT_OK(value);
  EXPECT_EQ(value->Reveal(), "hunter2");
  ::unsetenv("LARDER_TEST_SECRET");
}

TEST(SecretTest, FileIsReadWithoutItsLastLineBreak) {
  const TempDir dir;
  const Result<Secret> secret = Secret::Parse("${file:" + dir / "key" + "}");
  ASSERT_OK(secret);
  EXPECT_THAT(secret->Resolve().status().message(), HasSubstr("No such file"));
  std::ofstream(dir / "key") << "hunter2\r\n";
  const Result<SecretText> value = secret->Resolve();
  ASSERT_OK(value);
  EXPECT_EQ(value->Reveal(), "hunter2");
  std::ofstream(dir / "key") << "\n";
  EXPECT_THAT(secret->Resolve().status().message(), HasSubstr("is empty"));
}

TEST(SecretTest, LiteralIsRefusedAndNotShown) {
  for (const char* text : {"hunter2", "${env:}", "${file:hunter2}", "${hunter2:x}", "", "${",
                           "${vault:}", "${vault:hunter2/x}"}) {
    const Result<Secret> secret = Secret::Parse(text);
    ASSERT_FALSE(secret.ok()) << text;
    EXPECT_THAT(secret.status().message(), Not(HasSubstr("hunter2")));
  }
}

}  // namespace
}  // namespace larder::client
