#include "turnstile.h"

#include <gtest/gtest.h>

#include <memory>
#include <thread>

namespace larder {
namespace {

using namespace std::chrono_literals;

constexpr Duration kLimit = 1000ms;

// A pass that lives until it is let go.
std::unique_ptr<const Turnstile::Pass> Held(Turnstile& turnstile, Admission needed) {
  return std::unique_ptr<const Turnstile::Pass>(new Turnstile::Pass(turnstile.Enter(needed)));
}

TEST(TurnstileTest, AdmitsWhatIsAdmittedAndAllBelow) {
  Turnstile turnstile;
  EXPECT_FALSE(turnstile.Enter(Admission::kReads)) << "nobody before it is opened";
  turnstile.Admit(Admission::kReads);
  EXPECT_TRUE(turnstile.Enter(Admission::kReads));
  EXPECT_FALSE(turnstile.Enter(Admission::kRemovals));
  turnstile.Admit(Admission::kRemovals);
  EXPECT_TRUE(turnstile.Enter(Admission::kRemovals));
  EXPECT_FALSE(turnstile.Enter(Admission::kAll));
  turnstile.Admit(Admission::kAll);
  EXPECT_TRUE(turnstile.Enter(Admission::kAll));
}

TEST(TurnstileTest, WaitingEndsWhenTheLastOneIsOut) {
  Turnstile turnstile;
  turnstile.Admit(Admission::kAll);
  std::atomic<bool> out = false;
  std::unique_ptr<const Turnstile::Pass> pass;
  pass = Held(turnstile, Admission::kAll);
  turnstile.Admit(Admission::kNone);
  std::thread leaver([&] {
    out = true;
    pass.reset();
  });
  turnstile.WaitUntilEmpty();
  EXPECT_TRUE(out);
  leaver.join();
}

TEST(TurnstileTest, CallIsLateOnceItHasBeenInsideForTheLimit) {
  Turnstile turnstile;
  turnstile.Admit(Admission::kAll);
  ASSERT_FALSE(turnstile.Watch(10'000ms, kLimit));
  std::unique_ptr<const Turnstile::Pass> pass;
  pass = Held(turnstile, Admission::kReads);
  EXPECT_FALSE(turnstile.Watch(10'200ms, kLimit)) << "the side it is on is closed now";
  EXPECT_FALSE(turnstile.Watch(11'199ms, kLimit));
  EXPECT_TRUE(turnstile.Watch(11'200ms, kLimit));
  pass.reset();
  EXPECT_FALSE(turnstile.Watch(11'300ms, kLimit));
}

TEST(TurnstileTest, ManyShortCallsAreNeverLate) {
  Turnstile turnstile;
  turnstile.Admit(Admission::kAll);
  for (Duration now = 0ms; now < 60s; now += 200ms) {
    const Turnstile::Pass at_the_look = turnstile.Enter(Admission::kReads);
    EXPECT_FALSE(turnstile.Watch(now, kLimit));
  }
}

TEST(TurnstileTest, AfterALateCallAllMustBeOutBeforeItIsOver) {
  Turnstile turnstile;
  turnstile.Admit(Admission::kAll);
  std::unique_ptr<const Turnstile::Pass> first;
  std::unique_ptr<const Turnstile::Pass> second;
  first = Held(turnstile, Admission::kReads);
  EXPECT_FALSE(turnstile.Watch(10'000ms, kLimit));
  second = Held(turnstile, Admission::kReads);
  EXPECT_TRUE(turnstile.Watch(11'000ms, kLimit));
  first.reset();
  EXPECT_TRUE(turnstile.Watch(11'100ms, kLimit)) << "the second waits for the same disk";
  second.reset();
  EXPECT_FALSE(turnstile.Watch(11'200ms, kLimit));
}

}  // namespace
}  // namespace larder
