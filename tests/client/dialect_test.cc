#include "dialect.h"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <nlohmann/json.hpp>

#include "larder/client/error_body.h"

namespace larder::client {
namespace {

using nlohmann::json;
using ::testing::IsEmpty;

const Dialect& OpenAi() { return *FindDialect("openai"); }
const Dialect& Anthropic() { return *FindDialect("anthropic"); }

std::string_view NameOf(const Endpoint* endpoint) {
  return endpoint == nullptr ? "" : endpoint->name();
}

TEST(DialectTest, NamesAreExact) {
  EXPECT_NE(FindDialect("openai"), nullptr);
  EXPECT_NE(FindDialect("anthropic"), nullptr);
  EXPECT_EQ(FindDialect("OpenAI"), nullptr);
}

TEST(DialectTest, EndpointsAreKnownByTheEndOfThePath) {
  EXPECT_EQ(NameOf(OpenAi().FindEndpoint("POST", "/v1/chat/completions")), "openai.chat");
  EXPECT_EQ(NameOf(OpenAi().FindEndpoint("POST", "/openai/deployments/x/chat/completions")),
            "openai.chat");
  EXPECT_EQ(NameOf(OpenAi().FindEndpoint("POST", "/v1/completions")), "openai.completions");
  EXPECT_EQ(NameOf(OpenAi().FindEndpoint("POST", "/responses")), "openai.responses");
  EXPECT_EQ(NameOf(OpenAi().FindEndpoint("POST", "/v1/embeddings")), "openai.embeddings");
  EXPECT_EQ(NameOf(Anthropic().FindEndpoint("POST", "/v1/messages")), "anthropic.messages");
  for (const char* path : {"/v1/models", "/v1/chat/completions/", "/v1/chat/completions/id",
                           "/v1/responses/resp_1/cancel", "/v1/threads/t/messages", "/", ""}) {
    EXPECT_EQ(OpenAi().FindEndpoint("POST", path), nullptr) << path;
  }
  for (const char* path : {"/v1/messages/batches", "/v1/messages/count_tokens", "/v1/complete"}) {
    EXPECT_EQ(Anthropic().FindEndpoint("POST", path), nullptr) << path;
  }
}

TEST(DialectTest, OnlyPostsAskForAnswers) {
  for (const char* method : {"GET", "HEAD", "DELETE", "PUT", "post"}) {
    EXPECT_EQ(OpenAi().FindEndpoint(method, "/v1/responses"), nullptr) << method;
    EXPECT_EQ(Anthropic().FindEndpoint(method, "/v1/messages"), nullptr) << method;
  }
}

TEST(DialectTest, WhatIsNoEndpointHasAnEmptyPlan) {
  const RequestPlan plan = OpenAi().Plan("POST", "/v1/audio/speech", R"({"model":"m"})");
  EXPECT_EQ(plan.bypass, "unknown-endpoint");
  EXPECT_EQ(plan.endpoint, nullptr);
  EXPECT_THAT(plan.canonical_body, IsEmpty());
}

// Azure never looks at the body's.
TEST(DialectTest, ModelIsThePathsElseTheBodys) {
  const auto model = [](std::string_view path) {
    return OpenAi().Plan("POST", path, R"({"model":"body","messages":[]})").model;
  };
  EXPECT_EQ(model("/v1/chat/completions"), "body");
  EXPECT_EQ(model("/openai/deployments/gpt-4o/chat/completions"), "gpt-4o");
  EXPECT_EQ(model("//openai//Deployments//gpt-4%6f//chat/completions"), "gpt-4o");
  EXPECT_EQ(model("/v1/deployments-of-mine/x/chat/completions"), "body");
}

TEST(DialectTest, EndpointsAreFoundByTheNameThatIsStored) {
  for (const char* name : {"openai.chat", "openai.completions", "openai.responses",
                           "openai.embeddings", "anthropic.messages"}) {
    EXPECT_EQ(NameOf(FindEndpoint(name)), name);
  }
  EXPECT_EQ(FindEndpoint("openai"), nullptr);
}

TEST(DialectTest, EveryEndpointRefusesWhatIsNotIJson) {
  for (const char* name : {"openai.chat", "openai.completions", "openai.responses",
                           "openai.embeddings", "anthropic.messages"}) {
    for (const char* body : {"", "[]", R"({"a":1,"a":2})", R"({"a":9007199254740993})"}) {
      const RequestPlan plan = FindEndpoint(name)->Plan(body);
      EXPECT_EQ(plan.bypass, "not-i-json") << name << body;
      EXPECT_NE(plan.problem, "");
    }
  }
}

TEST(DialectTest, ErrorsHaveTheProvidersShape) {
  EXPECT_EQ(json::parse(OpenAi().ErrorBody(504, "not \"cached\"")),
            json::parse(R"({"error":{"message":"not \"cached\"","type":"server_error",)"
                        R"("param":null,"code":null}})"));
  EXPECT_EQ(json::parse(OpenAi().ErrorBody(400, "\xff"))["error"]["type"], "invalid_request_error");
  EXPECT_EQ(ErrorBody("openai", 404, "x"), OpenAi().ErrorBody(404, "x"));
  EXPECT_EQ(ErrorBody("unheard of", 404, "x"), OpenAi().ErrorBody(404, "x"));
  EXPECT_EQ(json::parse(ErrorBody("openai", 404, "x"))["error"]["type"], "not_found_error");
  EXPECT_EQ(json::parse(ErrorBody("anthropic", 504, "x"))["error"]["type"], "timeout_error");
  EXPECT_EQ(
      json::parse(FindDialect("anthropic")->ErrorBody(529, "busy")),
      json::parse(R"({"type":"error","error":{"type":"overloaded_error","message":"busy"}})"));
}

}  // namespace
}  // namespace larder::client
