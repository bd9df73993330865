// TokenCache: one token for all callers, fetched once however many want it, and again ahead of its
// end.
//
// Time is that since boot, so that a step of the wall clock neither ends a token nor lengthens its
// life. A token counts from the moment at which it was asked for, and for a tenth of its life (at
// most half a minute) less than it says: clocks differ, and requests take time to arrive. In the
// fifth before that (at most five minutes) the first caller starts a new fetch and nobody waits.
#pragma once

#include <boost/asio/awaitable.hpp>
#include <boost/asio/io_context.hpp>
#include <functional>
#include <memory>
#include <mutex>
#include <optional>
#include <string_view>
#include <vector>

#include "auth/token.h"
#include "larder/clock.h"

namespace larder::client {

// How long a token is kept whose end nobody knows.
inline constexpr Duration kUnknownLifetime = std::chrono::minutes(5);
// Between two fetches ahead of time that failed.
inline constexpr Duration kFetchPause = std::chrono::seconds(10);

using TokenFetch = std::function<boost::asio::awaitable<Result<Token>>()>;

struct TokenWish {
  // Runs as a task of its own, whatever becomes of the caller, so it must own all that it uses.
  TokenFetch fetch;
  // The secret of ours that it is fetched with, as it is now; empty = none. A token that was
  // fetched with another is dropped.
  SecretText source = {};
  Duration limit = kForever;
};

// Thread-safe. Callers on several io_contexts share it; it must be held by a shared_ptr.
class TokenCache : public std::enable_shared_from_this<TokenCache> {
 public:
  // The clock must outlive the cache and every io_context that a fetch runs on.
  explicit TokenCache(const Clock& clock = Clock::System()) : clock_(clock) {}

  // The token, which is not over. It is fetched, on `io`, at most once, and only if no other fetch
  // is under way. Errors: those of the fetch, for all who waited for it; kDeadlineExceeded (not
  // there within the limit; the fetch goes on), kCancelled.
  boost::asio::awaitable<Result<SecretText>> Get(boost::asio::io_context& io, TokenWish wish);

  // `token` was refused. The next Get() fetches another one, unless that has happened already.
  void Drop(std::string_view token);

 private:
  using Waiter = std::function<void(Result<SecretText>)>;
  struct Held {
    SecretText text;
    SecretText source;
    Duration renew_at{};  // since boot
    Duration ends_at{};
  };
  class Running;

  static boost::asio::awaitable<void> Run(TokenFetch fetch, std::shared_ptr<Running> running);
  bool IsDue(Duration now) const;
  void Finish(const Running& running, Result<Token> token);

  const Clock& clock_;
  std::mutex mutex_;
  // Guarded by mutex_.
  std::optional<Held> held_;
  std::vector<Waiter> waiters_;
  bool fetching_ = false;
  Duration not_before_{};  // the next fetch ahead of time
};

}  // namespace larder::client
