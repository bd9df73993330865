#include "credential_connections.h"

#include <utility>

namespace larder::client {

std::shared_ptr<const CurlConnections> CredentialConnections::For(std::uint64_t credential) {
  if (credential == 0) return nullptr;
  if (credential < newest_) return std::make_shared<const CurlConnections>();
  if (credential > newest_ || connections_ == nullptr) {
    newest_ = credential;
    connections_ = std::make_shared<const CurlConnections>();
  }
  used_ = true;
  if (!std::exchange(watched_, true)) IdleConnections::Of(io_).Watch(weak_from_this());
  return connections_;
}

bool CredentialConnections::CloseIfIdle() {
  const bool busy = connections_.use_count() > 1;
  if (std::exchange(used_, false) || busy) return true;
  connections_.reset();
  watched_ = false;
  return false;
}

}  // namespace larder::client
