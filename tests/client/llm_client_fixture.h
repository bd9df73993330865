// LlmClientFixture: an LlmClient of one provider, on the real engine, before a scripted upstream.
#pragma once

#include <memory>
#include <string>

#include "caching_fixture.h"
#include "larder/client/llm_client.h"

namespace larder::client {

class LlmClientFixture : public CachingFixture {
 protected:
  LlmClient& client() {
    if (client_ == nullptr) {
      config_.providers["openai"].base_url = upstream_->base_url();
      config_.providers["openai"].retry.base_delay = Duration(1);
      Result<std::unique_ptr<LlmClient>> client =
          LlmClient::Create(config_, cache_.get(), on_abort_);
      EXPECT_OK(client);
      client_ = *std::move(client);
    }
    return *client_;
  }
  static LlmRequest Ask(const std::string& prompt = "hi") {
    return {.model = "gpt-4o", .messages = {Message::Of(Role::kUser, prompt)}};
  }

  std::unique_ptr<LlmClient> client_;  // goes before the cache
};

}  // namespace larder::client
