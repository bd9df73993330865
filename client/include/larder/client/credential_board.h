// CredentialBoard: the tokens that were fetched for providers, shared by all stacks of a process,
// so that larderd, which has a stack for each thread, asks for one once.
#pragma once

#include <map>
#include <memory>
#include <mutex>
#include <string>

#include "larder/client/config.h"

namespace larder::client {

class TokenCache;

// Thread-safe.
class CredentialBoard {
 public:
  // For the stacks: the provider's token, made at first use. Changed settings begin without one.
  std::shared_ptr<TokenCache> Of(const ProviderConfig& provider);

 private:
  struct Shared {
    AuthConfig auth;
    std::shared_ptr<TokenCache> tokens;
  };
  std::mutex mutex_;
  std::map<std::string, Shared> providers_;  // guarded by mutex_
};

}  // namespace larder::client
