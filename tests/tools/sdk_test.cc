// The official SDKs, unmodified, through larderd to a mock provider: tests/sdks.
#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <string>
#include <vector>

#include "larderd_process.h"
#include "node_server.h"
#include "run_program.h"

namespace larder::testing {
namespace {

using ::testing::HasSubstr;

// One of the programs in tests/sdks.
ProgramEnd RunSuite(const std::string& script, const std::vector<std::string>& addresses) {
  std::vector<std::string> words = {"/usr/bin/env", "node", SDK_FILES + script, SDK_FOLDER};
  words.insert(words.end(), addresses.begin(), addresses.end());
  return RunProgram({.words = words});
}

TEST(SdkTest, OfficialSdksSeeNoDifferenceButTheCacheStatus) {
  NodeServer aimock(AIMOCK_SERVER, AIMOCK_FOLDER);
  GatewayFixture gateway(
      aimock.url(), {{"providers", R"({"anthropic": {"base_url": ")" + aimock.url() + R"("}})"}});
  const ProgramEnd end = RunSuite("sdk_suite.mjs", {gateway.url()});
  EXPECT_EQ(end.exit_status, 0) << end.out << end.err;
  EXPECT_THAT(end.out, HasSubstr("ok langchain: embeddings")) << "it came to its end";
}

TEST(SdkTest, OfficialSdksMeetTheProvidersTroubleAsWithoutTheGateway) {
  NodeServer provider(SDK_FILES "provider.mjs", AIMOCK_FOLDER);
  // All the errors at once are no reason to leave it alone.
  GatewayFixture gateway(provider.url(),
                         {{"providers", R"({"openai": {"breaker": {"failures": 1000}},
                              "anthropic": {"breaker": {"failures": 1000}, "base_url": ")" +
                                            provider.url() + R"("}})"}});
  const ProgramEnd end = RunSuite("sdk_matrix.mjs", {gateway.url(), provider.url()});
  EXPECT_EQ(end.exit_status, 0) << end.out << end.err;
  EXPECT_THAT(end.out, HasSubstr("ok nothing runs on")) << "it came to its end";
}

}  // namespace
}  // namespace larder::testing
