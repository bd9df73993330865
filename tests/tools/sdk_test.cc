// The official SDKs, unmodified, through larderd to a mock provider: tests/sdks/sdk_suite.mjs.
#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include "larderd_process.h"
#include "node_server.h"
#include "run_program.h"

namespace larder::testing {
namespace {

TEST(SdkTest, OfficialSdksSeeNoDifferenceButTheCacheStatus) {
  NodeServer aimock(AIMOCK_SERVER, AIMOCK_FOLDER);
  GatewayFixture gateway(
      aimock.url(), {{"providers", R"({"anthropic": {"base_url": ")" + aimock.url() + R"("}})"}});
  const ProgramEnd end =
      RunProgram({.words = {"/usr/bin/env", "node", SDK_SUITE, SDK_FOLDER, gateway.url()}});
  EXPECT_EQ(end.exit_status, 0) << end.out << end.err;
  EXPECT_THAT(end.out, ::testing::HasSubstr("ok langchain: embeddings")) << "it came to its end";
}

}  // namespace
}  // namespace larder::testing
