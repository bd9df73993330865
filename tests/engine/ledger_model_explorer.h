// The state of LedgerModel's world and the search through it. Private to ledger_model*.cc.
#pragma once

#include <array>
#include <cstddef>
#include <cstdint>
#include <functional>
#include <string>
#include <string_view>
#include <type_traits>
#include <unordered_set>
#include <vector>

#include "ledger_model.h"

namespace larder::testing::model {

using Byte = std::uint8_t;
constexpr Byte kNobody = 0xff;
constexpr Byte kDone = 0xfe;
constexpr std::size_t kMaxTail = 4;

// A computed value: its number, and which invalidations and removals had been called when its
// computation began. Those acknowledged before a read begins must be among them.
struct Value {
  Byte number;  // 0: none
  Byte called;
};

enum RowKind : Byte { kAbsent, kValue, kTombstone };
struct Row {
  Byte kind;
  Value value;
};

enum Outcome : Byte { kRunning, kServed, kCancelled };

enum ReaderPc : Byte {
  kBegin,
  kLookInHotTier,
  kHotFirstCheck,
  kHotSecondCheck,
  kReadVersion,
  kReadRow,
  kRowFirstCheck,
  kRowSecondCheck,
  kFillHotTier,
  kJoin,
  kWait,
};

struct Process {
  Byte pc;
  Byte number;   // of a lease, an invalidation; or the oldest lease, for the reaper
  Byte mask;     // called (a lease), acknowledged (a reader)
  Byte outcome;  // of a flight
  Byte flight;   // the flight a reader waits for
  Byte version;  // of the stripe, or the generation, as a reader read it
  Byte tag;      // copied by a rotation
  Row seen;      // by a reader
};

struct State {
  Byte next;
  Byte called;  // sets of processes
  Byte acknowledged;
  // The ledger in memory; it has room for one tag.
  Byte tag_t;
  Byte tag_u;
  Byte floor;
  Byte generation;
  Byte applying;  // somebody is between its number and its change
  // The journal on disk.
  Byte disk_t;
  Byte disk_floor;
  Byte noted;
  Byte rotating;
  // The store: what is in files, and the tail of writes that is only in the log.
  Row base;
  Byte base_sequence;
  std::array<Row, kMaxTail> tail;
  Byte tail_size;
  Byte tail_synced;
  // Memory.
  Value hot;
  Byte hot_generation;  // at which it was found to hold; 0: not yet
  Byte version;         // of the key's stripe
  Byte flight;          // the process whose flight is in the table
  Byte crashed;
  std::array<Process, kMaxProcesses> processes;

  const Row& row() const { return tail_size == 0 ? base : tail[tail_size - 1]; }
  Byte sequence() const { return static_cast<Byte>(base_sequence + tail_size); }
};
static_assert(std::has_unique_object_representations_v<State>);

inline std::string_view Bytes(const State& state) {
  return {reinterpret_cast<const char*>(&state), sizeof(state)};
}

struct Node {
  State state;
  std::uint32_t parent;
  std::string_view step;
  Byte process;
};

class Explorer {
 public:
  Explorer(const Scenario& scenario, Mutation mutation)
      : scenario_(scenario), mutation_(mutation) {}

  Verdict Run();

 private:
  struct HashNode {
    const Explorer* explorer;
    std::size_t operator()(std::uint32_t index) const {
      return std::hash<std::string_view>()(Bytes(explorer->nodes_[index].state));
    }
  };
  struct SameNode {
    const Explorer* explorer;
    bool operator()(std::uint32_t a, std::uint32_t b) const {
      return Bytes(explorer->nodes_[a].state) == Bytes(explorer->nodes_[b].state);
    }
  };

  bool Is(Mutation mutation) const { return mutation_ == mutation; }
  Role RoleOf(std::size_t p) const { return scenario_.processes[p]; }

  void Reach(const State& state, std::string_view step);
  void StepAll(const State& state);
  void Step(const State& state);
  void Writer(State s);
  void Put(State s);
  void Remove(State s);
  void Invalidate(State s);
  void Reader(State s);
  void ReadHotTier(State s);
  void ReadStore(State s);
  void JoinFlight(State s);
  void Reaper(State s);
  void Rotation(State s);
  void CrashInAllWays(const State& s, Crash crash);
  bool StoreInUse(const State& s) const;
  void ReopenInAllWays(const State& s);

  bool WriteRow(State& s, Row row);
  bool TagHolds(const State& s, Byte number) const { return number > s.tag_t; }
  bool FloorHolds(const State& s, Byte number) const { return number > s.floor; }
  Byte OldestLease(const State& s) const;
  void Return(State s, Value value, std::string_view step);
  std::string Trace(std::uint32_t last) const;

  const Scenario& scenario_;
  const Mutation mutation_;
  std::vector<Node> nodes_;
  std::unordered_set<std::uint32_t, HashNode, SameNode> known_{1024, HashNode{this},
                                                               SameNode{this}};
  std::uint32_t current_ = 0;
  Byte process_ = kNobody;  // whose step is being taken
  std::string violation_;
};

}  // namespace larder::testing::model
