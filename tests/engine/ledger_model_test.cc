// The rules hold in every interleaving; and the model would notice if one of them were missing.
#include "ledger_model.h"

#include <gtest/gtest.h>

#include <ostream>
#include <string>

namespace larder::testing {

// Found by GoogleTest when it prints a parameter.
static void PrintTo(const Scenario& scenario, std::ostream* out) { *out << scenario.name; }

namespace {

const Scenario kSlowWriter = {
    .name = "SlowWriter",
    .processes = {Role::kWriter, Role::kInvalidateTag, Role::kReader, Role::kPut},
    .crashes = {Crash::kKill, Crash::kPower},
};
const Scenario kTwoWriters = {
    .name = "TwoWriters",
    .processes = {Role::kWriter, Role::kWriter, Role::kInvalidateTag, Role::kReader},
    .crashes = {Crash::kPower},
};
const Scenario kTwoReaders = {
    .name = "TwoReaders",
    .processes = {Role::kPut, Role::kInvalidateTag, Role::kReader, Role::kReader},
    .crashes = {},
};
const Scenario kRemoval = {
    .name = "Removal",
    .processes = {Role::kWriter, Role::kRemove, Role::kReader, Role::kReader},
    .crashes = {Crash::kKill, Crash::kPower, Crash::kDamage, Crash::kReopen},
};
const Scenario kReaping = {
    .name = "Reaping",
    .processes = {Role::kWriter, Role::kRemove, Role::kReaper, Role::kPut, Role::kReader},
    .crashes = {Crash::kPower, Crash::kDamage},
};
const Scenario kReapingTwice = {
    .name = "ReapingTwice",
    .processes = {Role::kWriter, Role::kRemove, Role::kReaper, Role::kReaper, Role::kReader},
    .crashes = {Crash::kReopen},
};
const Scenario kRemovalAndInvalidation = {
    .name = "RemovalAndInvalidation",
    .processes = {Role::kWriter, Role::kRemove, Role::kInvalidateAll, Role::kReader},
    .crashes = {Crash::kDamage},
};
const Scenario kOverflow = {
    .name = "Overflow",
    .processes = {Role::kPut, Role::kInvalidateTag, Role::kInvalidateOther, Role::kReader},
    .crashes = {Crash::kKill},
};
const Scenario kOverflowAndRotation = {
    .name = "OverflowAndRotation",
    .processes = {Role::kPut, Role::kInvalidateTag, Role::kInvalidateOther, Role::kRotation,
                  Role::kReader},
    .crashes = {Crash::kKill},
};
const Scenario kFlight = {
    .name = "Flight",
    .processes = {Role::kWriter, Role::kInvalidateTag, Role::kInvalidateOther, Role::kReader},
    .crashes = {},
};
const Scenario kLateFlight = {
    .name = "LateFlight",
    .processes = {Role::kLateWriter, Role::kInvalidateTag, Role::kRemove, Role::kReader},
    .crashes = {Crash::kKill},
};

class RulesTest : public ::testing::TestWithParam<Scenario> {};

TEST_P(RulesTest, NoReadIsStale) {
  const Verdict verdict = Explore(GetParam(), Mutation::kNothing);
  EXPECT_TRUE(verdict.violation.empty()) << verdict.violation;
  EXPECT_GT(verdict.states, 500U);
  RecordProperty("states", static_cast<int>(verdict.states));
}

INSTANTIATE_TEST_SUITE_P(Model, RulesTest,
                         ::testing::Values(kSlowWriter, kTwoWriters, kTwoReaders, kRemoval,
                                           kReaping, kReapingTwice, kRemovalAndInvalidation,
                                           kOverflow, kOverflowAndRotation, kFlight, kLateFlight),
                         [](const ::testing::TestParamInfo<Scenario>& param) {
                           return param.param.name;
                         });

struct Teeth {
  std::string name;
  Mutation mutation;
  Scenario scenario;
};
void PrintTo(const Teeth& teeth, std::ostream* out) {
  *out << teeth.name << " in " << teeth.scenario.name;
}

class TeethTest : public ::testing::TestWithParam<Teeth> {};

TEST_P(TeethTest, WithoutTheRuleAReadIsStale) {
  const Verdict verdict = Explore(GetParam().scenario, GetParam().mutation);
  EXPECT_FALSE(verdict.violation.empty()) << verdict.states << " states";
}

INSTANTIATE_TEST_SUITE_P(
    Model, TeethTest,
    ::testing::Values(Teeth{"NumberOfCommit", Mutation::kNumberOfCommit, kSlowWriter},
                      Teeth{"UncheckedPut", Mutation::kUncheckedPut, kRemoval},
                      Teeth{"UncheckedTombstoneDrop", Mutation::kUncheckedTombstoneDrop, kReaping},
                      Teeth{"UncheckedValueDrop", Mutation::kUncheckedValueDrop, kReaping},
                      Teeth{"UncheckedFill", Mutation::kUncheckedFill, kRemoval},
                      Teeth{"NoHotErase", Mutation::kNoHotErase, kRemoval},
                      Teeth{"UncheckedHotHit", Mutation::kUncheckedHotHit, kSlowWriter},
                      Teeth{"EarlyGeneration", Mutation::kEarlyGeneration, kTwoReaders},
                      Teeth{"NoFloorOnOverflow", Mutation::kNoFloorOnOverflow, kOverflow},
                      Teeth{"FloorAfterDrop", Mutation::kFloorAfterDrop, kOverflow},
                      Teeth{"ConcurrentApply", Mutation::kConcurrentApply, kOverflow},
                      Teeth{"FloorReadFirst", Mutation::kFloorReadFirst, kOverflow},
                      Teeth{"SnapshotFloorFirst", Mutation::kSnapshotFloorFirst,
                            kOverflowAndRotation},
                      Teeth{"AckBeforeJournal", Mutation::kAckBeforeJournal, kSlowWriter},
                      Teeth{"UnsyncedRemoval", Mutation::kUnsyncedRemoval, kRemoval},
                      Teeth{"NoSequenceNote", Mutation::kNoSequenceNote, kReaping},
                      Teeth{"UncheckedReopen", Mutation::kUncheckedReopen, kRemoval},
                      Teeth{"NumbersReused", Mutation::kNumbersReused, kTwoWriters},
                      Teeth{"UncheckedJoin", Mutation::kUncheckedJoin, kFlight},
                      Teeth{"NoDetach", Mutation::kNoDetach, kRemoval},
                      Teeth{"LateTagsUnchecked", Mutation::kLateTagsUnchecked, kLateFlight}),
    [](const ::testing::TestParamInfo<Teeth>& teeth) { return teeth.param.name; });

}  // namespace
}  // namespace larder::testing
