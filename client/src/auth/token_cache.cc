#include "auth/token_cache.h"

#include <algorithm>
#include <boost/asio/co_spawn.hpp>
#include <boost/asio/detached.hpp>
#include <utility>

#include "auth/pool_work.h"

namespace larder::client {
namespace {

constexpr Duration kMostMargin = std::chrono::seconds(30);
constexpr Duration kMostAhead = std::chrono::minutes(5);

Result<SecretText> Copy(const Result<SecretText>& token) {
  if (!token.ok()) return token.status();
  return token->Copy();
}

}  // namespace

// A fetch under way. If its io_context goes before it is done, whoever waits is told.
class TokenCache::Running {
 public:
  Running(std::shared_ptr<TokenCache> cache, SecretText source)
      : source_(std::move(source)),
        cache_(std::move(cache)),
        asked_at_(cache_->clock_.SinceBoot()) {}
  ~Running() {
    if (cache_ != nullptr) Finish(Status(StatusCode::kCancelled, "the fetch was given up"));
  }
  Running(const Running&) = delete;
  Running& operator=(const Running&) = delete;

  void Finish(Result<Token> token) {
    std::exchange(cache_, nullptr)->Finish(*this, std::move(token));
  }
  const SecretText& source() const { return source_; }
  Duration asked_at() const { return asked_at_; }

 private:
  const SecretText source_;
  std::shared_ptr<TokenCache> cache_;
  const Duration asked_at_;
};

bool TokenCache::IsDue(Duration now) const {
  return !held_ || now >= held_->ends_at || (now >= held_->renew_at && now >= not_before_);
}

boost::asio::awaitable<Result<SecretText>> TokenCache::Get(boost::asio::io_context& io,
                                                           TokenWish wish) {
  Handoff<Result<SecretText>> handoff(io);
  std::optional<SecretText> usable;
  bool starts = false;
  {
    const std::lock_guard lock(mutex_);
    const Duration now = clock_.SinceBoot();
    if (held_ && !held_->source.Matches(wish.source.Reveal())) held_.reset();
    if (held_ && now < held_->ends_at) usable = held_->text.Copy();
    starts = !fetching_ && IsDue(now);
    fetching_ = fetching_ || starts;
    if (!usable) waiters_.push_back(handoff.Giver());
  }
  if (starts) {
    auto running = std::make_shared<Running>(shared_from_this(), std::move(wish.source));
    boost::asio::co_spawn(io, Run(std::move(wish.fetch), std::move(running)),
                          boost::asio::detached);
  }
  if (usable) co_return *std::move(usable);
  std::optional<Result<SecretText>> token = co_await handoff.Wait(wish.limit);
  if (token) co_return *std::move(token);
  co_return co_await WhyNothingCame();
}

boost::asio::awaitable<void> TokenCache::Run(TokenFetch fetch, std::shared_ptr<Running> running) {
  Result<Token> token = co_await fetch();
  running->Finish(std::move(token));
}

void TokenCache::Finish(const Running& running, Result<Token> token) {
  std::vector<Waiter> waiters;
  Result<SecretText> given = SecretText();
  {
    const std::lock_guard lock(mutex_);
    fetching_ = false;
    waiters = std::exchange(waiters_, {});
    if (token.ok()) {
      const Duration life = token->lifetime == kForever ? kUnknownLifetime : token->lifetime;
      const Duration ends_at = running.asked_at() + life - std::min(life / 10, kMostMargin);
      held_ = Held{std::move(token->text), running.source().Copy(),
                   ends_at - std::min(life / 5, kMostAhead), ends_at};
      not_before_ = Duration(0);
      given = held_->text.Copy();
    } else {
      given = token.status();
      not_before_ = clock_.SinceBoot() + kFetchPause;
    }
  }
  for (const Waiter& waiter : waiters) waiter(Copy(given));
}

void TokenCache::Drop(std::string_view token) {
  const std::lock_guard lock(mutex_);
  if (held_ && held_->text.Matches(token)) held_.reset();
}

}  // namespace larder::client
