// CredentialConnections: the connections on which a credential of our own travelled. They are
// closed when it changes, when they are idle, or with this, in each case once the last transfer on
// them has ended.
#pragma once

#include <boost/asio/io_context.hpp>
#include <cstdint>
#include <memory>

#include "curl_connections.h"
#include "idle_connections.h"

namespace larder::client {

// Used on one io_context's thread.
class CredentialConnections final : public ClosedWhenIdle,
                                    public std::enable_shared_from_this<CredentialConnections> {
 public:
  explicit CredentialConnections(boost::asio::io_context& io) : io_(io) {}

  // Those for the credential of this number, which is higher the newer it is; null for 0: those of
  // the io_context, which all share.
  std::shared_ptr<const CurlConnections> For(std::uint64_t credential);
  bool CloseIfIdle() override;

 private:
  boost::asio::io_context& io_;
  std::uint64_t newest_ = 0;
  std::shared_ptr<const CurlConnections> connections_;  // the newest one's
  bool used_ = false;                                   // since CloseIfIdle() was called
  bool watched_ = false;
};

}  // namespace larder::client
