// BodyPieces: a body that is all there, as a BodyReader.
#pragma once

#include <cstddef>
#include <memory>
#include <utility>
#include <vector>

#include "larder/client/asio/http_service.h"

namespace larder::client {

class BodyPieces final : public BodyReader {
 public:
  explicit BodyPieces(std::vector<SharedBytes> pieces) : pieces_(std::move(pieces)) {}

  boost::asio::awaitable<Result<SharedBytes>> Read() override {
    while (next_ < pieces_.size() && pieces_[next_].empty()) ++next_;  // empty would be the end
    if (next_ == pieces_.size()) co_return SharedBytes();
    co_return std::move(pieces_[next_++]);
  }

 private:
  std::vector<SharedBytes> pieces_;
  std::size_t next_ = 0;
};

}  // namespace larder::client
