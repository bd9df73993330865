#include "usage_request.h"

#include <gtest/gtest.h>

namespace larder::client {
namespace {

TEST(UsageRequestTest, AllElseStaysAsItStands) {
  EXPECT_EQ(WithUsageAsked(R"( { "stream" : true, "seed": 1e2 } )"),
            R"( {"stream_options":{"include_usage":true}, "stream" : true, "seed": 1e2 } )");
}

TEST(UsageRequestTest, OtherOptionsStay) {
  EXPECT_EQ(WithUsageAsked(R"({"stream_options": {"include_obfuscation": false}, "stream":true})"),
            R"({"stream_options": {"include_obfuscation":false,"include_usage":true}, )"
            R"("stream":true})");
}

TEST(UsageRequestTest, NoBecomesYesHoweverItIsWritten) {
  for (const char* given : {R"({"include_usage":false})", R"({"include\u005fusage":null})", "{}",
                            "null", R"({"include_usage":"yes"})"}) {
    const std::string body =
        std::string(R"({"stream":true,"stream\u005foptions":)") + given + R"(,"n":1})";
    EXPECT_EQ(WithUsageAsked(body), R"({"stream":true,"stream\u005foptions":)"
                                    R"({"include_usage":true},"n":1})");
  }
}

}  // namespace
}  // namespace larder::client
