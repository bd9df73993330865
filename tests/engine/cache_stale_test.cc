// What is served stale, to whom, and who computes it anew; soft invalidation; negative entries.
#include <gtest/gtest.h>

#include <deque>
#include <functional>
#include <vector>

#include "cache_fixture.h"

namespace larder {
namespace {

using namespace std::chrono_literals;  // NOLINT
using testing::CacheTest;
using testing::ConfigName;
using testing::HasCode;
using testing::kConfigurations;

class StaleTest : public CacheTest {
 protected:
  // Background work is run by hand.
  void OpenWithExecutor() {
    options_.executor = [this](std::function<void()> work) { work_.push_back(std::move(work)); };
    Reopen();
  }
  void RunBackgroundWork() {
    while (!work_.empty()) {
      const std::function<void()> work = std::move(work_.front());
      work_.pop_front();
      work();
    }
  }
  std::string Compute(const Loader& loader, const ReadOptions& options = {}) {
    const Result<Entry> entry = cache_->GetOrCompute("k", options, loader);
    return entry.ok() ? std::string(entry->body()) : entry.status().message();
  }
  Loader Returning(std::string body) {
    return [this, body] {
      ++computations_;
      return Computed{.body = body, .options = kWindows};
    };
  }
  Loader Failing() {
    return [this]() -> Result<Computed> {
      ++computations_;
      return Status(StatusCode::kUnavailable, "upstream is down");
    };
  }
  Acquired Acquire() {
    return cache_->Acquire("k", {.stale_window = StaleWindow::kWhileRevalidate});
  }
  Status Soften(const std::string& tag) {
    return cache_->Invalidate({.tags = {tag}, .soft = true}).status();
  }

  const WriteOptions kWindows{
      .ttl = 60s, .stale_while_revalidate = 10s, .stale_if_error = 100s, .tags = {"t"}};
  std::deque<std::function<void()>> work_;
  int computations_ = 0;
};

TEST_P(StaleTest, EachWindowIsOpenToThoseWhoAskForItAndForItsTimeOnly) {
  ASSERT_OK(Put("k", "v", kWindows));
  const auto get = [this](StaleWindow window) { return Get("k", {.stale_window = window}); };
  for (const bool reopened : {false, true}) {
    if (reopened) Reopen();
    clock_.Advance(reopened ? 1ms : 60s + 9'998ms);
    EXPECT_EQ(get(StaleWindow::kNone), "MISS");
    EXPECT_EQ(get(StaleWindow::kWhileRevalidate), "v");
    EXPECT_EQ(get(StaleWindow::kIfError), "v");
  }
  clock_.Advance(1ms);
  EXPECT_EQ(get(StaleWindow::kWhileRevalidate), "MISS");
  EXPECT_EQ(get(StaleWindow::kIfError), "v");
  clock_.Advance(90s);  // hard expiry
  EXPECT_EQ(get(StaleWindow::kIfError), "MISS");
}

TEST_P(StaleTest, OneCallerGetsTheDutyTheOthersTheStaleEntry) {
  ASSERT_OK(Put("k", "old", kWindows));
  EXPECT_TRUE(std::holds_alternative<Hit>(Acquire()));
  clock_.Advance(65s);
  Acquired first = Acquire();
  ASSERT_TRUE(std::holds_alternative<StaleHit>(first)) << first.index();
  StaleHit& stale = std::get<StaleHit>(first);
  EXPECT_EQ(stale.hit.entry.body(), "old");
  EXPECT_TRUE(stale.hit.stale);
  Acquired second = Acquire();
  ASSERT_TRUE(std::holds_alternative<Hit>(second)) << second.index();
  EXPECT_TRUE(std::get<Hit>(second).stale);
  EXPECT_TRUE(std::holds_alternative<Flight>(cache_->Acquire("k"))) << "who wants it fresh waits";
  EXPECT_EQ(stale.lease.Commit("new", kWindows).outcome, PutOutcome::kStored);
  Acquired third = Acquire();
  EXPECT_FALSE(std::get<Hit>(third).stale);
  EXPECT_EQ(std::get<Hit>(third).entry.body(), "new");
  EXPECT_EQ(cache_->GetStats().stale_hits, 2u);
}

TEST_P(StaleTest, ADroppedDutyGoesToTheNextCaller) {
  ASSERT_OK(Put("k", "old", kWindows));
  clock_.Advance(65s);
  { Acquired dropped = Acquire(); }
  EXPECT_TRUE(std::holds_alternative<StaleHit>(Acquire()));
}

TEST_P(StaleTest, ASlowRefreshCannotBringBackWhatWasInvalidated) {
  ASSERT_OK(Put("k", "old", kWindows));
  clock_.Advance(65s);
  Acquired acquired = Acquire();
  ASSERT_OK(InvalidateTag("t"));
  EXPECT_FALSE(std::holds_alternative<StaleHit>(Acquire())) << "never stale over an invalidation";
  EXPECT_EQ(std::get<StaleHit>(acquired).lease.Commit("slow", kWindows).outcome,
            PutOutcome::kSuperseded);
  EXPECT_EQ(Get("k", {.max_stale = kForever}), "MISS");
}

TEST_P(StaleTest, GetOrComputeServesAtOnceAndRefreshesOnceInTheBackground) {
  OpenWithExecutor();
  ASSERT_OK(Put("k", "old", kWindows));
  clock_.Advance(65s);
  EXPECT_EQ(Compute(Returning("new")), "old");
  EXPECT_EQ(Compute(Returning("other")), "old");
  EXPECT_EQ(computations_, 0);
  EXPECT_EQ(work_.size(), 1u);
  RunBackgroundWork();
  EXPECT_EQ(computations_, 1);
  EXPECT_EQ(Compute(Returning("third")), "new");
}

TEST_P(StaleTest, AFailedRefreshLeavesTheStaleEntryAndTheNextReaderTries) {
  OpenWithExecutor();
  ASSERT_OK(Put("k", "old", kWindows));
  clock_.Advance(65s);
  EXPECT_EQ(Compute(Failing()), "old");
  RunBackgroundWork();
  EXPECT_EQ(Compute(Returning("new")), "old");
  RunBackgroundWork();
  EXPECT_EQ(Get("k"), "new");
  EXPECT_EQ(computations_, 2);
}

TEST_P(StaleTest, WithoutAnExecutorTheCallerComputesItself) {
  ASSERT_OK(Put("k", "old", kWindows));
  clock_.Advance(65s);
  EXPECT_EQ(Compute(Returning("new")), "new");
}

TEST_P(StaleTest, AnExecutorThatTakesNothingLeavesTheDutyToTheNext) {
  options_.executor = [](const std::function<void()>&) { throw std::runtime_error("full"); };
  Reopen();
  ASSERT_OK(Put("k", "old", kWindows));
  clock_.Advance(65s);
  EXPECT_EQ(Compute(Returning("new")), "old");
  EXPECT_TRUE(std::holds_alternative<StaleHit>(Acquire()));
}

TEST_P(StaleTest, ARefreshThatOutlivesTheCacheIsHarmless) {
  OpenWithExecutor();
  ASSERT_OK(Put("k", "old", kWindows));
  clock_.Advance(65s);
  EXPECT_EQ(Compute(Returning("new")), "old");
  cache_.reset();
  RunBackgroundWork();
  EXPECT_EQ(computations_, 1);
}

TEST_P(StaleTest, IfComputingFailsTheStaleEntryIsServedWithinItsWindow) {
  ASSERT_OK(Put("k", "old", kWindows));
  clock_.Advance(60s + 99s);
  EXPECT_EQ(Compute(Failing()), "old");
  EXPECT_EQ(Compute(Failing(), {.newer_than = kRefresh}), "upstream is down")
      << "who wants a new value does not want this one";
  clock_.Advance(1s);
  EXPECT_EQ(Compute(Failing()), "upstream is down");
  EXPECT_EQ(cache_->GetStats().stale_hits, 1u);
}

TEST_P(StaleTest, AnInvalidatedEntryIsNotServedInPlaceOfAnError) {
  ASSERT_OK(Put("k", "old", kWindows));
  ASSERT_OK(InvalidateTag("t"));
  EXPECT_EQ(Compute(Failing()), "upstream is down");
}

TEST_P(StaleTest, SoftInvalidationEndsFreshnessAndNothingElse) {
  ASSERT_OK(Put("k", "v", kWindows));
  ASSERT_OK(Put("other", "v", {.tags = {"u"}}));
  EXPECT_EQ(Get("k"), "v");
  clock_.Advance(20s);
  ASSERT_OK(Soften("t"));
  for (const bool reopened : {false, true}) {
    if (reopened) Reopen();
    EXPECT_EQ(Get("k"), "MISS");
    EXPECT_EQ(Get("other"), "v");
    const std::optional<Hit> hit = cache_->Get("k", {.max_stale = 1s});
    ASSERT_TRUE(hit.has_value());
    EXPECT_TRUE(hit->stale);
    EXPECT_EQ(hit->entry.fresh_until(), clock_.Wall());
    EXPECT_EQ(hit->entry.expires(), clock_.Wall() + 40s + 100s) << "as it was written";
  }
  clock_.Advance(9'999ms);
  EXPECT_EQ(Get("k", {.stale_window = StaleWindow::kWhileRevalidate}), "v");
  clock_.Advance(1ms);
  EXPECT_EQ(Get("k", {.stale_window = StaleWindow::kWhileRevalidate}), "MISS")
      << "the window counts from the invalidation";
  ASSERT_OK(Put("k", "new", kWindows));
  EXPECT_EQ(Get("k"), "new");
}

TEST_P(StaleTest, SoftInvalidationOfAllAndOfAPrefix) {
  ASSERT_OK(Put("a/1", "v", kWindows));
  ASSERT_OK(Put("b/1", "v", kWindows));
  ASSERT_OK(cache_->Invalidate({.prefixes = {"a/"}, .soft = true}));
  EXPECT_EQ(Get("a/1"), "MISS");
  EXPECT_EQ(Get("a/1", {.max_stale = 1s}), "v");
  EXPECT_EQ(Get("b/1"), "v");
  ASSERT_OK(cache_->Invalidate({.all = true, .soft = true}));
  EXPECT_EQ(Get("b/1"), "MISS");
  Reopen();
  EXPECT_EQ(Get("b/1", {.max_stale = 1s}), "v");
}

TEST_P(StaleTest, ASoftInvalidationNeverWeakensAHardOneNorTheOtherWayRound) {
  ASSERT_OK(Put("k", "v", kWindows));
  ASSERT_OK(InvalidateTag("t"));
  ASSERT_OK(Soften("t"));
  EXPECT_EQ(Get("k", {.max_stale = kForever}), "MISS");
  Reopen();
  EXPECT_EQ(Get("k", {.max_stale = kForever}), "MISS");
  ASSERT_OK(Put("k", "v", kWindows));
  ASSERT_OK(Soften("t"));
  ASSERT_OK(InvalidateTag("t"));
  EXPECT_EQ(Get("k", {.max_stale = kForever}), "MISS");
}

TEST_P(StaleTest, AValueBegunBeforeASoftInvalidationIsStaleFromTheStart) {
  Acquired acquired = cache_->Acquire("k", {.tags = {"t"}});
  ASSERT_OK(Soften("t"));
  EXPECT_TRUE(std::holds_alternative<Lease>(cache_->Acquire("k", {.tags = {"t"}})))
      << "who comes after does not wait for it";
  EXPECT_EQ(std::get<Lease>(acquired).Commit("slow", kWindows).outcome, PutOutcome::kStored);
  EXPECT_EQ(Get("k"), "MISS");
  EXPECT_EQ(Get("k", {.max_stale = 1s}), "slow");
}

TEST_P(StaleTest, AFollowerIsNotGivenWhatATagNamedAtTheEndHasMadeStale) {
  Acquired leader = cache_->Acquire("k");
  ASSERT_OK(Soften("t"));
  Acquired follower = cache_->Acquire("k");  // cannot know that it will have this tag
  EXPECT_EQ(std::get<Lease>(leader).Commit("slow", kWindows).outcome, PutOutcome::kStored);
  const FlightEnd end = std::get<Flight>(follower).Wait();
  EXPECT_FALSE(end.entry.has_value());
  EXPECT_TRUE(end.acquire_again);
}

TEST_P(StaleTest, SoftlyInvalidatedTagsOfTheReadMakeItStaleToo) {
  ASSERT_OK(Put("k", "v", {.ttl = 60s, .stale_while_revalidate = 10s}));
  ASSERT_OK(Soften("mine"));
  EXPECT_EQ(Get("k"), "v");
  EXPECT_EQ(Get("k", {.tags = {"mine"}}), "MISS");
  EXPECT_EQ(Get("k", {.tags = {"mine"}, .stale_window = StaleWindow::kWhileRevalidate}), "v");
}

TEST_P(StaleTest, ASoftlyInvalidatedEntryIsRefreshedInTheBackground) {
  OpenWithExecutor();
  ASSERT_OK(Put("k", "old", {.ttl = kForever, .stale_while_revalidate = 10s, .tags = {"t"}}));
  ASSERT_OK(Soften("t"));
  Reopen();
  EXPECT_EQ(Compute(Returning("new")), "old");
  RunBackgroundWork();
  EXPECT_EQ(Get("k"), "new");
}

TEST_P(StaleTest, ATouchDoesNotMakeFreshWhatASoftInvalidationMadeStale) {
  ASSERT_OK(Put("k", "v", kWindows));
  ASSERT_OK(Soften("t"));
  ASSERT_OK(cache_->Touch("k", 1h));
  EXPECT_EQ(Get("k"), "MISS");
  EXPECT_EQ(Get("k", {.max_stale = 1s}), "v");
}

TEST_P(StaleTest, SoftlyInvalidatedRowsAreNotReclaimed) {
  ASSERT_OK(Put("k", "v", kWindows));
  ASSERT_OK(Soften("t"));
  ASSERT_OK(cache_->Compact());
  Reopen();
  EXPECT_EQ(Get("k", {.max_stale = 1s}), "v");
}

TEST_P(StaleTest, ANegativeEntryIsToldApartAndHasItsOwnTtl) {
  cache_.reset();
  options_.negative_ttl = 30s;
  options_.stale_if_error = 1h;
  Open();
  ASSERT_OK(Put("k", "no such thing", {.negative = true}));
  for (const bool reopened : {false, true}) {
    if (reopened) Reopen();
    const std::optional<Hit> hit = cache_->Get("k");
    ASSERT_TRUE(hit.has_value());
    EXPECT_TRUE(hit->entry.negative());
    EXPECT_EQ(hit->entry.fresh_until() - hit->entry.created(), 30s);
    EXPECT_EQ(hit->entry.expires(), hit->entry.fresh_until()) << "no stale failures";
  }
  clock_.Advance(30s);
  EXPECT_EQ(Get("k", {.max_stale = kForever}), "MISS");
  ASSERT_OK(Put("k", "v"));
  EXPECT_FALSE(cache_->Get("k")->entry.negative());
}

TEST_P(StaleTest, NegativeEntriesAreNotStoredUnlessThereIsATtlForThem) {
  const Result<PutOutcome> outcome = cache_->Put("k", "no", {.negative = true});
  ASSERT_OK(outcome);
  EXPECT_EQ(*outcome, PutOutcome::kNotStored);
  ASSERT_OK(Put("k", "no", {.ttl = 5s, .negative = true}));
  EXPECT_EQ(Get("k"), "no");
}

TEST_P(StaleTest, ANegativeEntryIsInvalidatedAndSharedLikeAnyOther) {
  const Loader negative = [this] {
    ++computations_;
    return Computed{.body = "no", .options = {.ttl = 5s, .tags = {"t"}, .negative = true}};
  };
  EXPECT_EQ(Compute(negative), "no");
  EXPECT_EQ(Compute(negative), "no");
  EXPECT_EQ(computations_, 1);
  ASSERT_OK(InvalidateTag("t"));
  EXPECT_EQ(Get("k"), "MISS");
  Acquired slow = cache_->Acquire("k", {.tags = {"t"}});
  ASSERT_OK(InvalidateTag("t"));
  EXPECT_EQ(std::get<Lease>(slow).Commit("no", {.ttl = 5s, .negative = true}).outcome,
            PutOutcome::kSuperseded);
}

TEST_P(StaleTest, NegativeTtlHasALimit) {
  options_.negative_ttl = 5min + 1ms;
  EXPECT_THAT(options_.Validate(), HasCode(StatusCode::kInvalidArgument));
  options_.negative_ttl = 5min;
  EXPECT_OK(options_.Validate());
}

INSTANTIATE_TEST_SUITE_P(Configurations, StaleTest, kConfigurations, ConfigName);

}  // namespace
}  // namespace larder
