#include "crowd.h"

#include <gtest/gtest.h>

namespace larder::client {
namespace {

class CrowdTest : public ::testing::Test {
 protected:
  CrowdTest() {
    crowd_->OnDeserted([this] { ++deserted_; });
  }

  int deserted_ = 0;
  std::shared_ptr<Crowd> crowd_ = Crowd::Make();
};

TEST_F(CrowdTest, IsDesertedWhenTheLastHasLeftAndOnlyOnce) {
  Crowd::Seat first = crowd_->Join();
  Crowd::Seat second = crowd_->Join();
  first.reset();
  EXPECT_EQ(deserted_, 0);
  second.reset();
  EXPECT_EQ(deserted_, 1);
  crowd_->Join().reset();
  EXPECT_EQ(deserted_, 1);
}

TEST_F(CrowdTest, IsNotDesertedBeforeSomebodyCame) { EXPECT_EQ(deserted_, 0); }

TEST_F(CrowdTest, IsFoundByItsNumberAsLongAsItIsThere) {
  const std::uint64_t number = crowd_->number();
  EXPECT_EQ(Crowd::Find(number), crowd_);
  EXPECT_NE(Crowd::Make()->number(), number);
  Crowd::Seat seat = crowd_->Join();
  crowd_.reset();
  EXPECT_NE(Crowd::Find(number), nullptr) << "a seat keeps it";
  seat.reset();
  EXPECT_EQ(Crowd::Find(number), nullptr);
}

}  // namespace
}  // namespace larder::client
