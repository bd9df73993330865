#include "larder/client/credential_board.h"

#include "auth/token_cache.h"

namespace larder::client {

std::shared_ptr<TokenCache> CredentialBoard::Of(const ProviderConfig& provider) {
  const std::lock_guard lock(mutex_);
  Shared& shared = providers_[provider.name];
  if (shared.tokens == nullptr || shared.auth != provider.auth) {
    shared = {provider.auth, std::make_shared<TokenCache>()};
  }
  return shared.tokens;
}

}  // namespace larder::client
