#include "client_connections.h"

#include <algorithm>

namespace larder::gateway {
namespace {

namespace ip = boost::asio::ip;

ip::address ClientOf(const ip::address& address) {
  if (!address.is_v6()) return address;
  const ip::address_v6 v6 = address.to_v6();
  if (v6.is_v4_mapped()) return ip::make_address_v4(ip::v4_mapped, v6);
  ip::address_v6::bytes_type bytes = v6.to_bytes();
  std::fill(bytes.begin() + 8, bytes.end(), 0);
  return ip::address_v6(bytes);
}

}  // namespace

std::unique_ptr<ClientConnections::Ticket> ClientConnections::Admit(const ip::address& address) {
  const ip::address client = ClientOf(address);
  {
    const std::lock_guard lock(mutex_);
    std::size_t& count = counts_[client];
    if (most_ > 0 && count >= most_) return nullptr;
    ++count;
  }
  return std::make_unique<Ticket>(*this, client);
}

void ClientConnections::Leave(const ip::address& client) {
  const std::lock_guard lock(mutex_);
  const auto found = counts_.find(client);
  if (--found->second == 0) counts_.erase(found);
}

}  // namespace larder::gateway
