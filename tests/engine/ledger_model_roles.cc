// What each role does, step by step. A step is atomic; between two steps anybody else may run.
#include <algorithm>

#include "ledger_model_explorer.h"

namespace larder::testing::model {

// Under the key's stripe. What is there stays if its number is greater.
bool Explorer::WriteRow(State& s, Row row) {
  ++s.version;
  if (!Is(Mutation::kUncheckedPut) && s.row().value.number > row.value.number) return false;
  s.tail[s.tail_size++] = row;
  return true;
}

void Explorer::Writer(State s) {
  Process& self = s.processes[process_];
  switch (self.pc++) {
    case 0:
      self.number = s.next++;
      self.mask = s.called;
      s.flight = process_;  // a refresh: takes the place of a flight that is there
      return Reach(s, "takes a lease");
    case 1:
      // Tags named only now: those who joined when these were not known must not be served if
      // they came after an invalidation.
      self.outcome = kServed;
      if (RoleOf(process_) == Role::kLateWriter && !Is(Mutation::kLateTagsUnchecked) &&
          !(TagHolds(s, self.number) && FloorHolds(s, self.number))) {
        self.outcome = kCancelled;
      }
      return Reach(s, "ends its flight");
    case 2: {
      Value value = {.number = self.number, .called = self.mask};
      if (Is(Mutation::kNumberOfCommit)) value.number = s.next++;
      if (WriteRow(s, {.kind = kValue, .value = value})) {
        s.hot = value;
        s.hot_generation = 0;
      }
      return Reach(s, "writes");
    }
    default:
      self.pc = kDone;
      if (s.flight == process_) s.flight = kNobody;
      return Reach(s, "finishes its lease");
  }
}

void Explorer::Put(State s) {
  const Value value = {.number = s.next++, .called = s.called};
  if (WriteRow(s, {.kind = kValue, .value = value})) {
    s.hot = value;
    s.hot_generation = 0;
  }
  s.processes[process_].pc = kDone;
  Reach(s, "puts");
}

void Explorer::Remove(State s) {
  Process& self = s.processes[process_];
  const auto bit = static_cast<Byte>(1U << process_);
  switch (self.pc++) {
    case 0: s.called |= bit; return Reach(s, "calls remove");
    case 1:
      self.number = s.next++;
      WriteRow(s, {.kind = kTombstone, .value = {.number = self.number, .called = 0}});
      if (!Is(Mutation::kNoHotErase)) s.hot = {};
      if (!Is(Mutation::kNoDetach)) s.flight = kNobody;
      return Reach(s, "writes a tombstone");
    case 2:
      self.version = s.sequence();
      if (!Is(Mutation::kUnsyncedRemoval)) s.tail_synced = s.tail_size;
      return Reach(s, "syncs the store");
    case 3:
      if (Is(Mutation::kNoSequenceNote) || Is(Mutation::kUnsyncedRemoval)) {
        return Reach(s, "notes nothing");
      }
      s.noted = std::max(s.noted, self.version);
      return Reach(s, "notes the sequence");
    default:
      self.pc = kDone;
      s.acknowledged |= bit;
      return Reach(s, "acknowledges the removal");
  }
}

// Applied in two halves, as a reader that began before may look at the table in between.
void Explorer::Invalidate(State s) {
  Process& self = s.processes[process_];
  const auto bit = static_cast<Byte>(1U << process_);
  const bool is_tag = RoleOf(process_) != Role::kInvalidateAll;
  Byte& mine = RoleOf(process_) == Role::kInvalidateTag ? s.tag_t : s.tag_u;
  Byte& other = RoleOf(process_) == Role::kInvalidateTag ? s.tag_u : s.tag_t;
  switch (self.pc++) {
    case 0: s.called |= bit; return Reach(s, "calls invalidate");
    case 1:
      if (s.applying != 0 && !Is(Mutation::kConcurrentApply)) return;
      s.applying = 1;
      self.number = s.next++;
      if (Is(Mutation::kEarlyGeneration)) ++s.generation;
      // The table is full: the floor rises over what is dropped before it is dropped.
      self.tag = is_tag ? other : 0;
      if (is_tag && Is(Mutation::kFloorAfterDrop)) {
        other = 0;
      } else if (is_tag && !Is(Mutation::kNoFloorOnOverflow)) {
        s.floor = std::max(s.floor, self.tag);
      }
      return Reach(s, "takes a number and makes room");
    case 2:
      if (is_tag) {
        if (Is(Mutation::kFloorAfterDrop)) s.floor = std::max(s.floor, self.tag);
        other = 0;
        mine = std::max(mine, self.number);
      } else {
        s.floor = std::max(s.floor, self.number);
      }
      s.applying = 0;
      if (!Is(Mutation::kEarlyGeneration)) ++s.generation;
      if (Is(Mutation::kAckBeforeJournal)) s.acknowledged |= bit;
      return Reach(s, "applies it in memory");
    case 3:
      if (s.rotating != 0) return;  // one leader at a time writes
      if (RoleOf(process_) == Role::kInvalidateTag) {
        s.disk_t = std::max(s.disk_t, self.number);
      } else if (!is_tag) {
        s.disk_floor = std::max(s.disk_floor, self.number);
      }
      return Reach(s, "writes and syncs the journal");
    default:
      self.pc = kDone;
      s.acknowledged |= bit;
      return Reach(s, "acknowledges");
  }
}

void Explorer::Rotation(State s) {
  Process& self = s.processes[process_];
  const bool floor_first = Is(Mutation::kSnapshotFloorFirst);
  switch (self.pc++) {
    case 0:
      s.rotating = 1;
      (floor_first ? self.number : self.tag) = floor_first ? s.floor : s.tag_t;
      return Reach(s, floor_first ? "copies the floor" : "copies the tags");
    case 1:
      (floor_first ? self.tag : self.number) = floor_first ? s.tag_t : s.floor;
      return Reach(s, floor_first ? "copies the tags" : "copies the floor");
    default:
      self.pc = kDone;
      s.rotating = 0;
      s.disk_t = self.tag;
      s.disk_floor = self.number;
      return Reach(s, "replaces the journal");
  }
}

// The one assertion: no read returns a value whose computation began before the call of an
// invalidation or removal that was acknowledged before the read began.
void Explorer::Return(State s, Value value, std::string_view step) {
  Process& self = s.processes[process_];
  Byte covering = 0;
  for (std::size_t p = 0; p < scenario_.processes.size(); ++p) {
    if (RoleOf(p) != Role::kInvalidateOther) covering |= static_cast<Byte>(1U << p);
  }
  const bool stale = (self.mask & covering & ~value.called) != 0;
  self = {};
  self.pc = kDone;
  if (stale) {
    violation_ = Trace(current_) + std::to_string(process_) + " " + std::string(step) + "\n";
  }
  Reach(s, step);
}

void Explorer::Reader(State s) {
  Process& self = s.processes[process_];
  switch (self.pc) {
    case kBegin:
      self.mask = s.acknowledged;
      self.pc = kLookInHotTier;
      return Reach(s, "begins to read");
    case kLookInHotTier:
    case kHotFirstCheck:
    case kHotSecondCheck: return ReadHotTier(s);
    case kJoin:
    case kWait: return JoinFlight(s);
    default: return ReadStore(s);
  }
}

void Explorer::ReadHotTier(State s) {
  Process& self = s.processes[process_];
  const Value value = self.seen.value;
  // The order in which a reader looks: tags, then floor.
  const bool tag_now = (self.pc == kHotFirstCheck) != Is(Mutation::kFloorReadFirst);
  switch (self.pc) {
    case kLookInHotTier:
      if (s.hot.number == 0) {
        self.pc = kReadVersion;
        return Reach(s, "finds nothing hot");
      }
      if (Is(Mutation::kUncheckedHotHit) || s.hot_generation == s.generation) {
        return Return(s, s.hot, "returns a hot entry");
      }
      self.version = s.generation;
      self.seen.value = s.hot;
      self.pc = kHotFirstCheck;
      return Reach(s, "finds a hot entry");
    case kHotFirstCheck:
      self.pc = kHotSecondCheck;
      if (!(tag_now ? TagHolds(s, value.number) : FloorHolds(s, value.number))) self.pc = kJoin;
      return Reach(s, "looks it up in the ledger");
    default:
      if (!(tag_now ? TagHolds(s, value.number) : FloorHolds(s, value.number))) {
        self.pc = kJoin;
        return Reach(s, "finds that it does not hold");
      }
      if (s.hot.number == value.number) s.hot_generation = self.version;
      return Return(s, value, "returns the hot entry that holds");
  }
}

void Explorer::ReadStore(State s) {
  Process& self = s.processes[process_];
  const Value value = self.seen.value;
  const bool tag_now = (self.pc == kRowFirstCheck) != Is(Mutation::kFloorReadFirst);
  switch (self.pc) {
    case kReadVersion:
      self.version = s.version;
      self.pc = kReadRow;
      return Reach(s, "reads the stripe's version");
    case kReadRow:
      self.seen = s.row();
      self.pc = self.seen.kind == kValue ? kRowFirstCheck : kJoin;
      return Reach(s, "reads the row");
    case kRowFirstCheck:
    case kRowSecondCheck:
      self.pc = self.pc == kRowFirstCheck ? kRowSecondCheck : kFillHotTier;
      if (!(tag_now ? TagHolds(s, value.number) : FloorHolds(s, value.number))) self.pc = kJoin;
      return Reach(s, "looks it up in the ledger");
    default:
      if (Is(Mutation::kUncheckedFill) || s.version == self.version) {
        s.hot = value;
        s.hot_generation = 0;
      }
      return Return(s, value, "fills the hot tier and returns the row");
  }
}

void Explorer::JoinFlight(State s) {
  Process& self = s.processes[process_];
  if (self.pc == kJoin) {
    const Byte mask = self.mask;
    const Byte flight = s.flight;
    self = {};
    self.mask = mask;
    self.pc = kDone;
    if (flight == kNobody) return Reach(s, "misses");
    const Process& leader = s.processes[flight];
    // Of a late writer's tags nothing is known before its end.
    const bool tags_known = RoleOf(flight) == Role::kWriter || leader.outcome != kRunning;
    const bool holds = FloorHolds(s, leader.number) && (!tags_known || TagHolds(s, leader.number));
    if (!holds && !Is(Mutation::kUncheckedJoin)) return Reach(s, "misses");
    self.flight = flight;
    self.pc = kWait;
    return Reach(s, "joins the flight");
  }
  const Process& leader = s.processes[self.flight];
  if (leader.outcome == kRunning) return;
  if (leader.outcome == kServed) {
    return Return(s, {.number = leader.number, .called = leader.mask},
                  "returns the flight's value");
  }
  self = {};
  self.pc = kDone;
  Reach(s, "is told to acquire again");
}

Byte Explorer::OldestLease(const State& s) const {
  Byte oldest = s.next;
  for (std::size_t p = 0; p < scenario_.processes.size(); ++p) {
    const Process& process = s.processes[p];
    const bool leases = RoleOf(p) == Role::kWriter || RoleOf(p) == Role::kLateWriter;
    if (leases && process.pc != 0 && process.pc != kDone) oldest = std::min(oldest, process.number);
  }
  return oldest;
}

// Whatever is dropped, for whatever reason (it expired, does not hold, is evicted), may be what
// keeps an older lease from writing. So while there may be such a lease a tombstone stays, and
// a value leaves one.
void Explorer::Reaper(State s) {
  Process& self = s.processes[process_];
  if (self.pc == 0) {
    self.number = OldestLease(s);
    self.pc = 1;
    return Reach(s, "looks up the oldest lease");
  }
  const bool needed = s.row().value.number >= self.number;
  self = {};
  self.pc = kDone;
  const Row row = s.row();
  s.base_sequence = s.sequence();
  s.base = row;
  s.tail_size = s.tail_synced = 0;
  s.tail = {};
  Reach(s, "flushes, dropping nothing");
  if (row.kind == kTombstone && (!needed || Is(Mutation::kUncheckedTombstoneDrop))) {
    s.base = {};
    return Reach(s, "flushes, dropping a tombstone");
  }
  if (row.kind != kValue) return;
  s.base = {};
  if (needed && !Is(Mutation::kUncheckedValueDrop)) {
    s.base = {.kind = kTombstone, .value = {.number = row.value.number, .called = 0}};
  }
  Reach(s, "flushes, dropping a value");
}

}  // namespace larder::testing::model
