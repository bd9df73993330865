// PartialBody: a body of which the first pieces have been read already.
#pragma once

#include <cstddef>
#include <memory>
#include <string>
#include <utility>
#include <vector>

#include "larder/client/asio/http_service.h"

namespace larder::client {

class PartialBody final : public BodyReader {
 public:
  explicit PartialBody(std::unique_ptr<BodyReader> rest) : rest_(std::move(rest)) {}

  // Reads ahead: to the end, to an error, or until `most` bytes are there.
  boost::asio::awaitable<void> ReadAhead(std::size_t most) {
    while (text_.size() < most && !over_) {
      Result<SharedBytes> piece = co_await rest_->Read();
      over_ = !piece.ok() || piece->empty();
      if (!piece.ok()) error_ = piece.status();
      if (over_) break;
      text_ += piece->view();
      pieces_.push_back(*std::move(piece));
    }
  }

  // What was read ahead, and what ended it, if anything did.
  const std::string& text() const { return text_; }
  const Status& error() const { return error_; }

  boost::asio::awaitable<Result<SharedBytes>> Read() override {
    if (next_ < pieces_.size()) co_return std::move(pieces_[next_++]);
    if (!error_.ok()) co_return error_;
    if (over_) co_return SharedBytes();
    co_return co_await rest_->Read();
  }

 private:
  const std::unique_ptr<BodyReader> rest_;
  std::string text_;
  std::vector<SharedBytes> pieces_;
  std::size_t next_ = 0;
  bool over_ = false;
  Status error_;
};

}  // namespace larder::client
