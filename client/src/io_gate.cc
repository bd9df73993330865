#include "io_gate.h"

namespace larder::client {
namespace {

class IoGateService final : public boost::asio::io_context::service {
 public:
  static boost::asio::io_context::id id;

  explicit IoGateService(boost::asio::io_context& io)
      : boost::asio::io_context::service(io), gate_(std::make_shared<IoGate>(io)) {}

  const std::shared_ptr<IoGate>& gate() const { return gate_; }

 private:
  void shutdown() override { gate_->Close(); }

  const std::shared_ptr<IoGate> gate_;
};

boost::asio::io_context::id IoGateService::id;

}  // namespace

std::shared_ptr<IoGate> IoGate::Of(boost::asio::io_context& io) {
  return boost::asio::use_service<IoGateService>(io).gate();
}

}  // namespace larder::client
