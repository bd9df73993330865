#include "larder/client/request_model.h"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

namespace larder::client {
namespace {

using ::testing::ElementsAre;
using ::testing::IsEmpty;

std::vector<std::string> Models(const std::string& target, const std::string& body,
                                std::string_view dialect = "openai") {
  Request request;
  request.target = target;
  request.body = body;
  return ModelsOf(request, dialect);
}

constexpr const char* kBody = R"({"model":"body","messages":[]})";
constexpr const char* kBare = R"({"messages":[]})";
constexpr const char* kDeployment = "/openai/deployments/path/chat/completions?api-version=1";

TEST(RequestModelTest, AreThoseOfPathAndBody) {
  EXPECT_THAT(Models("/v1/chat/completions", kBody), ElementsAre("body"));
  EXPECT_THAT(Models(kDeployment, kBare), ElementsAre("path"));
  EXPECT_THAT(Models(kDeployment, kBody), ElementsAre("path", "body"));
  EXPECT_THAT(Models("/v1/messages", kBody, "anthropic"), ElementsAre("body"));
}

TEST(RequestModelTest, CannotBeToldWhereNoneIsNamed) {
  EXPECT_THAT(Models("/v1/chat/completions", kBare), IsEmpty());
  EXPECT_THAT(Models("/v1/chat/completions?/deployments/x/", kBare), IsEmpty());
  EXPECT_THAT(Models("/v1/images", kBody), IsEmpty());
  EXPECT_THAT(Models("/openai/deployments/path/images", kBody), IsEmpty());
  EXPECT_THAT(Models(kDeployment, kBody, "http"), IsEmpty());
}

TEST(RequestModelTest, CannotBeToldWhereItMayBeReadInTwoWays) {
  EXPECT_THAT(Models(kDeployment, "no JSON"), IsEmpty());
  EXPECT_THAT(Models(kDeployment, R"({"model":"a","model":"b"})"), IsEmpty());
  for (const char* path : {
           "/openai/deployments/a/../b/chat/completions",
           "/openai/deployments/a/%2e%2E/b/chat/completions",
           "/openai/deployments/a/deployments/b/chat/completions",
           "/openai/deployments/a%2fb/chat/completions",
           "/openai/deployments/a\\b/chat/completions",
       }) {
    EXPECT_THAT(Models(path, kBody), IsEmpty()) << path;
  }
}

}  // namespace
}  // namespace larder::client
