// ClientConnections: how many connections each address holds.
#pragma once

#include <boost/asio/ip/address.hpp>
#include <cstddef>
#include <map>
#include <memory>
#include <mutex>

namespace larder::gateway {

// Thread-safe; must outlive its tickets. An IPv6 client counts by its /64, of which one host has
// all addresses.
class ClientConnections {
 public:
  // `most`: connections of one client; 0 = no limit.
  explicit ClientConnections(std::size_t most) : most_(most) {}

  class Ticket {
   public:
    Ticket(ClientConnections& owner, const boost::asio::ip::address& client)
        : owner_(owner), client_(client) {}
    ~Ticket() { owner_.Leave(client_); }
    Ticket(const Ticket&) = delete;
    Ticket& operator=(const Ticket&) = delete;

   private:
    ClientConnections& owner_;
    const boost::asio::ip::address client_;
  };

  // To be held as long as the connection; null: the client has as many as it may.
  std::unique_ptr<Ticket> Admit(const boost::asio::ip::address& address);

 private:
  void Leave(const boost::asio::ip::address& client);

  const std::size_t most_;
  std::mutex mutex_;
  std::map<boost::asio::ip::address, std::size_t> counts_;  // guarded by mutex_
};

}  // namespace larder::gateway
