// PulledExchange: one exchange that a thread of the caller's drives, piece by piece.
//
// A coroutine on the client's thread reads a piece when it is asked for one, and no sooner: so a
// slow reader slows the upstream down. Whoever asks blocks until it is answered, which it always
// is, also when the coroutine is cancelled or its io_context is destroyed.
#pragma once

#include <boost/asio/awaitable.hpp>
#include <boost/asio/io_context.hpp>
#include <functional>
#include <future>
#include <memory>
#include <mutex>
#include <optional>

#include "larder/client/asio/http_service.h"
#include "larder/client/message.h"
#include "larder/result.h"

namespace larder::client {

class PulledExchange {
 public:
  // Any thread but the client's, one at a time; both block.
  Result<ResponseHead> Head();
  // An empty piece is the proper end.
  Result<SharedBytes> Next();

  // The coroutine's side. `exchange` is what Head() and Next() are called on.
  static boost::asio::awaitable<void> Run(boost::asio::io_context& io, HttpService& service,
                                          Request request,
                                          std::shared_ptr<PulledExchange> exchange);

 private:
  using Asked = std::shared_ptr<std::promise<Result<SharedBytes>>>;
  class Closing;

  static Status Over() { return {StatusCode::kCancelled, "the call was given up"}; }
  boost::asio::awaitable<Asked> WaitForAsk(boost::asio::io_context& io);
  void Close(const Status& status);

  std::promise<Result<ResponseHead>> head_;
  std::mutex mutex_;
  // Guarded by mutex_.
  bool headed_ = false;  // head_ has its value
  bool closed_ = false;
  Asked asked_;
  std::function<void(bool)> wake_;
};

}  // namespace larder::client
