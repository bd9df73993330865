#include "byte_gate.h"

#include <gtest/gtest.h>

namespace larder {
namespace {

TEST(ByteGateTest, LetsInAsMuchAsFitsAndMoreWhenSomethingHasLeft) {
  ByteGate gate(100);
  {
    const ByteGate::Pass first = gate.TryEnter(60);
    EXPECT_TRUE(first);
    EXPECT_FALSE(gate.TryEnter(41));
    EXPECT_TRUE(gate.TryEnter(40));
    EXPECT_EQ(gate.inside(), 60u) << "what is not held has left";
  }
  EXPECT_EQ(gate.inside(), 0u);
  EXPECT_TRUE(gate.TryEnter(100));
}

TEST(ByteGateTest, WhatIsLargerThanTheLimitGoesInAlone) {
  ByteGate gate(100);
  {
    const ByteGate::Pass large = gate.TryEnter(1000);
    EXPECT_TRUE(large);
    EXPECT_FALSE(gate.TryEnter(1));
    EXPECT_FALSE(gate.Enter(1, 1)) << "it waited, and nobody left";
  }
  EXPECT_TRUE(gate.TryEnter(1));
}

TEST(ByteGateTest, TheLimitIsLive) {
  ByteGate gate(100);
  const ByteGate::Pass held = gate.TryEnter(50);
  gate.SetLimit(60);
  EXPECT_FALSE(gate.TryEnter(20));
  gate.SetLimit(70);
  EXPECT_TRUE(gate.TryEnter(20));
}

}  // namespace
}  // namespace larder
