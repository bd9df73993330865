#include "ledger_model.h"

#include <algorithm>
#include <cstring>

#include "ledger_model_explorer.h"

namespace larder::testing {
namespace model {

Verdict Explorer::Run() {
  State start;
  std::memset(&start, 0, sizeof(start));
  start.next = 1;
  start.generation = 1;
  start.flight = kNobody;
  for (std::size_t p = scenario_.processes.size(); p < kMaxProcesses; ++p) {
    start.processes[p].pc = kDone;
  }
  Reach(start, "start");
  for (; current_ < nodes_.size() && violation_.empty(); ++current_) {
    StepAll(State(nodes_[current_].state));
  }
  return {.states = nodes_.size(), .violation = violation_};
}

void Explorer::Reach(const State& state, std::string_view step) {
  nodes_.push_back({.state = state, .parent = current_, .step = step, .process = process_});
  if (!known_.insert(static_cast<std::uint32_t>(nodes_.size() - 1)).second) nodes_.pop_back();
}

void Explorer::StepAll(const State& state) {
  for (process_ = 0; process_ < scenario_.processes.size(); ++process_) {
    if (state.processes[process_].pc != kDone) Step(state);
  }
  process_ = kNobody;
  if (state.crashed != 0) return;
  for (const Crash crash : scenario_.crashes) {
    if (crash == Crash::kReopen) {
      ReopenInAllWays(state);
    } else {
      CrashInAllWays(state, crash);
    }
  }
}

void Explorer::Step(const State& state) {
  switch (RoleOf(process_)) {
    case Role::kWriter:
    case Role::kLateWriter: Writer(state); break;
    case Role::kPut: Put(state); break;
    case Role::kRemove: Remove(state); break;
    case Role::kInvalidateTag:
    case Role::kInvalidateOther:
    case Role::kInvalidateAll: Invalidate(state); break;
    case Role::kReader: Reader(state); break;
    case Role::kReaper: Reaper(state); break;
    case Role::kRotation: Rotation(state); break;
  }
}

void Explorer::CrashInAllWays(const State& s, Crash crash) {
  const Byte least = crash == Crash::kKill    ? s.tail_size
                     : crash == Crash::kPower ? s.tail_synced
                                              : Byte{0};
  for (Byte kept = least; kept <= s.tail_size; ++kept) {
    State after = s;
    after.crashed = 1;
    after.hot = {};
    after.hot_generation = 0;
    after.flight = kNobody;
    after.rotating = 0;
    after.applying = 0;
    after.tag_t = s.disk_t;
    after.tag_u = 0;
    after.floor = s.disk_floor;
    for (Byte i = kept; i < kMaxTail; ++i) after.tail[i] = {};
    after.tail_size = kept;
    after.tail_synced = std::min(s.tail_synced, kept);
    for (Process& process : after.processes) {
      if (process.pc == 0) continue;
      process = {};
      process.pc = kDone;
    }
    if (Is(Mutation::kNumbersReused)) {
      after.next = static_cast<Byte>(std::max(s.disk_t, s.disk_floor) + 1);
    }
    if (after.sequence() < s.noted) {
      after.noted = after.sequence();
      after.floor = after.disk_floor = static_cast<Byte>(after.next - 1);
    }
    Reach(after, crash == Crash::kKill    ? "the process is killed, and starts again"
                 : crash == Crash::kPower ? "power is lost, and comes back"
                                          : "power is lost, with it some of the log");
  }
}

// A removal, or a lookup on disk, is under way: the store waits for its end before it closes.
bool Explorer::StoreInUse(const State& s) const {
  for (std::size_t p = 0; p < scenario_.processes.size(); ++p) {
    const Byte pc = s.processes[p].pc;
    if (RoleOf(p) == Role::kRemove && (pc == 2 || pc == 3)) return true;
    if (RoleOf(p) == Role::kReader && pc >= kReadRow && pc <= kFillHotTier) return true;
  }
  return false;
}

void Explorer::ReopenInAllWays(const State& s) {
  if (StoreInUse(s)) return;
  for (Byte kept = 0; kept <= s.tail_size; ++kept) {
    State after = s;
    after.crashed = 1;
    for (Byte i = kept; i < kMaxTail; ++i) after.tail[i] = {};
    after.tail_size = kept;
    after.tail_synced = std::min(s.tail_synced, kept);
    for (std::size_t p = 0; p < scenario_.processes.size(); ++p) {
      if (RoleOf(p) != Role::kReaper || s.processes[p].pc == 0) continue;
      after.processes[p] = {};
      after.processes[p].pc = kDone;
    }
    if (after.sequence() < s.noted && !Is(Mutation::kUncheckedReopen)) {
      after.noted = after.sequence();
      after.floor = after.disk_floor = after.next++;
      ++after.generation;
    }
    Reach(after, "the store is opened anew, with less or all of its log");
  }
}

std::string Explorer::Trace(std::uint32_t last) const {
  std::vector<std::string> lines;
  for (std::uint32_t at = last; at != 0; at = nodes_[at].parent) {
    const Node& node = nodes_[at];
    const std::string who = node.process == kNobody ? "-" : std::to_string(node.process);
    lines.push_back(who + " " + std::string(node.step) + "\n");
  }
  std::string trace;
  for (auto line = lines.rbegin(); line != lines.rend(); ++line) trace += *line;
  return trace;
}

}  // namespace model

Verdict Explore(const Scenario& scenario, Mutation mutation) {
  return model::Explorer(scenario, mutation).Run();
}

}  // namespace larder::testing
