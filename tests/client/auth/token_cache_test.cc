#include "auth/token_cache.h"

#include <boost/asio/co_spawn.hpp>
#include <boost/asio/detached.hpp>
#include <deque>

#include "fake_clock.h"
#include "handoff.h"
#include "run_coroutine.h"
#include "status_matchers.h"

namespace larder::client {
namespace {

using boost::asio::awaitable;
using larder::testing::FakeClock;
using larder::testing::RunCoroutine;
using ::testing::ElementsAre;
using std::chrono_literals::operator""h;
using std::chrono_literals::operator""min;
using std::chrono_literals::operator""ms;
using std::chrono_literals::operator""s;

class TokenCacheTest : public ::testing::Test {
 protected:
  // What a caller gets, and all that it started, done.
  std::string Get() {
    const Result<SecretText> token =
        RunCoroutine(io_, cache_->Get(io_, {.fetch = Source(), .source = SecretText(source_)}));
    io_.restart();
    io_.poll();
    return token.ok() ? std::string(token->Reveal()) : token.status().message();
  }
  // A caller that is not waited for; what it gets is added to `got_`.
  void Start(boost::asio::io_context& io) {
    boost::asio::co_spawn(io, Ask(io), boost::asio::detached);
    io.restart();
    io.poll();
  }
  // Lets the fetches that wait go on.
  void Release(boost::asio::io_context& io) {
    for (const auto& go : std::exchange(held_, {})) go(true);
    io.restart();
    io.poll();
  }

  // The n-th token is "token-n", of `lifetime_`, unless an error is next.
  TokenFetch Source(boost::asio::io_context* io = nullptr) {
    boost::asio::io_context& runs_on = io == nullptr ? io_ : *io;
    return [this, &runs_on] { return FetchOne(runs_on); };
  }

  FakeClock clock_;  // before io_, which ends the fetches that are still under way
  boost::asio::io_context io_;
  std::shared_ptr<TokenCache> cache_ = std::make_shared<TokenCache>(clock_);
  std::string source_ = "secret";
  Duration lifetime_ = 1h;
  Duration takes_{0};  // how long a fetch takes
  bool holds_ = false;
  std::deque<Status> errors_;
  int fetches_ = 0;
  std::vector<std::string> got_;
  std::vector<std::function<void(bool)>> held_;

 private:
  awaitable<Result<Token>> FetchOne(boost::asio::io_context& io) {
    const int number = ++fetches_;
    if (holds_) {
      Handoff<bool> handoff(io);
      held_.push_back(handoff.Giver());
      co_await handoff.Wait();
    }
    clock_.Advance(takes_);
    if (!errors_.empty()) {
      const Status error = errors_.front();
      errors_.pop_front();
      co_return error;
    }
    co_return Token{SecretText("token-" + std::to_string(number)), lifetime_};
  }
  awaitable<void> Ask(boost::asio::io_context& io) {
    TokenWish wish{.fetch = Source(&io), .source = SecretText(source_)};
    const Result<SecretText> token = co_await cache_->Get(io, std::move(wish));
    got_.push_back(token.ok() ? std::string(token->Reveal()) : token.status().message());
  }
};

const Status kDown(StatusCode::kUnavailable, "down");

TEST_F(TokenCacheTest, TokenIsFetchedOnceAndKept) {
  EXPECT_EQ(Get(), "token-1");
  clock_.Advance(54min);
  EXPECT_EQ(Get(), "token-1");
  EXPECT_EQ(fetches_, 1);
}

// An hour, less half a minute for clocks that differ, less five minutes.
TEST_F(TokenCacheTest, NewOneIsFetchedAheadOfTheEndAndNobodyWaitsForIt) {
  EXPECT_EQ(Get(), "token-1");
  clock_.Advance(54min + 30s - 1ms);
  EXPECT_EQ(Get(), "token-1");
  EXPECT_EQ(fetches_, 1);
  clock_.Advance(1ms);
  EXPECT_EQ(Get(), "token-1");
  EXPECT_EQ(fetches_, 2);
  EXPECT_EQ(Get(), "token-2");
}

TEST_F(TokenCacheTest, TokenIsNotUsedInTheLastHalfMinuteOfItsLife) {
  EXPECT_EQ(Get(), "token-1");
  clock_.Advance(59min + 30s);
  EXPECT_EQ(Get(), "token-2") << "waited for";
}

TEST_F(TokenCacheTest, LifeCountsFromTheMomentAtWhichTheTokenWasAskedFor) {
  takes_ = 30min;
  EXPECT_EQ(Get(), "token-1");
  takes_ = Duration(0);
  clock_.Advance(29min + 30s);
  EXPECT_EQ(Get(), "token-2");
}

TEST_F(TokenCacheTest, ShortLivedTokenHasMarginsOfItsOwnSize) {
  lifetime_ = 10s;
  EXPECT_EQ(Get(), "token-1");
  clock_.Advance(6999ms);
  EXPECT_EQ(Get(), "token-1");
  EXPECT_EQ(fetches_, 1);
  clock_.Advance(1ms);
  EXPECT_EQ(Get(), "token-1");
  EXPECT_EQ(fetches_, 2);
}

TEST_F(TokenCacheTest, TokenWithoutAnEndIsKeptForFiveMinutes) {
  lifetime_ = kForever;
  EXPECT_EQ(Get(), "token-1");
  clock_.Advance(5min);
  EXPECT_EQ(Get(), "token-2");
}

TEST_F(TokenCacheTest, TokenThatIsOverWhenItComesIsUsedOnceAndNotKept) {
  lifetime_ = Duration(0);
  EXPECT_EQ(Get(), "token-1");
  EXPECT_EQ(Get(), "token-2");
}

TEST_F(TokenCacheTest, StepsOfTheWallClockChangeNothing) {
  EXPECT_EQ(Get(), "token-1");
  clock_.StepWall(24h);
  EXPECT_EQ(Get(), "token-1");
  clock_.StepWall(-48h);
  EXPECT_EQ(Get(), "token-1");
  clock_.Advance(59min + 30s);
  EXPECT_EQ(Get(), "token-2");
}

TEST_F(TokenCacheTest, AllCallersOfAllThreadsShareOneFetch) {
  boost::asio::io_context other;
  holds_ = true;
  for (int i = 0; i < 3; ++i) Start(io_);
  for (int i = 0; i < 3; ++i) Start(other);
  EXPECT_EQ(fetches_, 1);
  EXPECT_TRUE(got_.empty());
  Release(io_);
  other.restart();
  other.poll();
  EXPECT_EQ(got_, std::vector<std::string>(6, "token-1"));
  EXPECT_EQ(fetches_, 1);
}

TEST_F(TokenCacheTest, RefusedTokenIsReplacedOnceForAllWhoHadIt) {
  EXPECT_EQ(Get(), "token-1");
  cache_->Drop("token-1");
  EXPECT_EQ(Get(), "token-2");
  cache_->Drop("token-1");  // of a slower caller
  EXPECT_EQ(Get(), "token-2");
  EXPECT_EQ(fetches_, 2);
}

TEST_F(TokenCacheTest, TokenOfASecretThatChangedIsNotUsedAnyMore) {
  EXPECT_EQ(Get(), "token-1");
  source_ = "another";
  EXPECT_EQ(Get(), "token-2");
  EXPECT_EQ(Get(), "token-2");
}

TEST_F(TokenCacheTest, ErrorGoesToAllWhoWaitedAndTheNextCallTriesAgain) {
  holds_ = true;
  errors_ = {kDown};
  Start(io_);
  Start(io_);
  Release(io_);
  EXPECT_THAT(got_, ElementsAre("down", "down"));
  holds_ = false;
  EXPECT_EQ(Get(), "token-2");
}

TEST_F(TokenCacheTest, FailureAheadOfTimeIsNotSeenAndNotRepeatedAtOnce) {
  EXPECT_EQ(Get(), "token-1");
  clock_.Advance(55min);
  errors_ = {kDown};
  EXPECT_EQ(Get(), "token-1");
  EXPECT_EQ(fetches_, 2);
  EXPECT_EQ(Get(), "token-1");
  EXPECT_EQ(fetches_, 2) << "a pause";
  clock_.Advance(kFetchPause);
  EXPECT_EQ(Get(), "token-1");
  EXPECT_EQ(fetches_, 3);
  EXPECT_EQ(Get(), "token-3");
}

TEST_F(TokenCacheTest, CallersOfOtherThreadsLearnThatTheFetchIsGone) {
  auto gone = std::make_unique<boost::asio::io_context>();
  holds_ = true;
  Start(*gone);
  Start(io_);
  gone.reset();
  io_.restart();
  io_.poll();
  EXPECT_THAT(got_, ElementsAre("the fetch was given up"));
  holds_ = false;
  EXPECT_EQ(Get(), "token-2");
}

}  // namespace
}  // namespace larder::client
