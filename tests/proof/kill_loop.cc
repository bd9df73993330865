#include "kill_loop.h"

#include <fcntl.h>
#include <signal.h>
#include <spawn.h>
#include <sys/wait.h>
#include <unistd.h>

#include <algorithm>
#include <cstdlib>
#include <sstream>
#include <utility>

extern char** environ;

namespace larder::testing {
namespace {

constexpr int kLanes = 3;
constexpr std::size_t kMostLines = 4'000;
constexpr int kMostPassages = 40;

std::vector<std::string> SplitTabs(const std::string& line) {
  std::vector<std::string> parts;
  std::stringstream stream(line);
  for (std::string part; std::getline(stream, part, '\t');) parts.push_back(part);
  return parts;
}

}  // namespace

std::string TagOfKey(const std::string& key) {
  const std::size_t dot = key.find('.');
  return "tag " + key.substr(4, dot - 4) + "." + std::to_string((key.back() - '0') % 3);
}

const std::vector<std::string>& KillPoints() {
  static const std::vector<std::string> points = {"value numbered",
                                                  "value stored",
                                                  "touch begun",
                                                  "touch stored",
                                                  "batch numbered",
                                                  "batch stored",
                                                  "tombstone numbered",
                                                  "tombstone stored",
                                                  "tombstone synced",
                                                  "invalidation in memory",
                                                  "journal records written",
                                                  "journal header written",
                                                  "journal synced",
                                                  "invalidation synced",
                                                  "new journal written",
                                                  "new journal renamed",
                                                  "state written",
                                                  "store judged",
                                                  "store opened",
                                                  "ledger opened"};
  return points;
}

KillLoop::KillLoop(std::string writer, std::string directory, std::uint64_t seed)
    : writer_(std::move(writer)), directory_(std::move(directory)), random_(seed), lanes_(kLanes) {}

KillLoop::Round KillLoop::RunRound() {
  Round round;
  const std::size_t choice = random_() % (KillPoints().size() + 3);
  if (choice < KillPoints().size()) round.point = KillPoints()[choice];
  // Points of opening are passed once or twice.
  const bool opening = round.point.ends_with("opened") || round.point == "store judged" ||
                       round.point == "state written";
  const int passages = 1 + static_cast<int>(random_() % (opening ? 1 : kMostPassages));
  const std::size_t lines = round.point.empty() ? 20 + random_() % 800 : kMostLines;
  Hear(RunWriter(round.point, passages, lines, round.reached), round);
  Check(round);
  return round;
}

// All it said until it was dead.
std::string KillLoop::RunWriter(const std::string& point, int passages, std::size_t lines,
                                bool& reached) {
  int ends[2];
  if (::pipe2(ends, O_CLOEXEC) != 0) std::abort();
  posix_spawn_file_actions_t actions;
  posix_spawn_file_actions_init(&actions);
  posix_spawn_file_actions_adddup2(&actions, ends[1], STDOUT_FILENO);
  std::vector<std::string> arguments = {writer_,
                                        directory_,
                                        std::to_string(random_()),
                                        std::to_string(kLanes),
                                        point,
                                        std::to_string(passages)};
  std::vector<char*> argv;
  for (std::string& argument : arguments) argv.push_back(argument.data());
  argv.push_back(nullptr);
  pid_t child = 0;
  const int failed = ::posix_spawn(&child, argv[0], &actions, nullptr, argv.data(), environ);
  posix_spawn_file_actions_destroy(&actions);
  ::close(ends[1]);
  std::string said;
  std::size_t said_lines = 0;
  bool killed = failed != 0;
  char buffer[65536];
  for (ssize_t size = 0; (size = ::read(ends[0], buffer, sizeof(buffer))) > 0;) {
    said.append(buffer, static_cast<std::size_t>(size));
    said_lines += static_cast<std::size_t>(std::count(buffer, buffer + size, '\n'));
    if (!killed && said_lines >= lines) {
      ::kill(child, SIGKILL);
      killed = true;
    }
  }
  ::close(ends[0]);
  int status = 0;
  if (failed == 0) ::waitpid(child, &status, 0);
  reached = !killed;
  if (failed != 0 || !WIFSIGNALED(status) || WTERMSIG(status) != SIGKILL) {
    said += "the writer ended by itself\n";
  }
  return said.substr(0, said.rfind('\n') + 1);
}

void KillLoop::Apply(const Parts& operation, Lane& lane) {
  const std::string& what = operation[0];
  if (what == "put" || what == "commit") {
    lane.values[operation[1]] = {
        .body = operation[3], .tag = operation[2], .soft = what == "commit" && lane.lease_soft};
  } else if (what == "puts") {
    for (std::size_t i = 1; i + 2 < operation.size(); i += 3) {
      lane.values[operation[i]] = {.body = operation[i + 2], .tag = operation[i + 1]};
    }
  } else if (what == "touch") {
    lane.values.at(operation[1]).touched = true;
  } else if (what == "remove") {
    lane.values.erase(operation[1]);
  } else if (what == "prefix") {
    std::erase_if(lane.values,
                  [&](const auto& item) { return item.first.starts_with(operation[1]); });
  } else if (what == "tag" || what == "tags") {
    std::erase_if(lane.values, [&](const auto& item) {
      return std::find(operation.begin() + 1, operation.end(), item.second.tag) != operation.end();
    });
  } else if (what == "soft") {
    for (auto& [key, value] : lane.values) value.soft = value.soft || value.tag == operation[1];
  }
}

// What it means for the lease that is out.
void KillLoop::Cover(const Parts& operation, Lane& lane) {
  if (lane.lease_key.empty()) return;
  const std::string& what = operation[0];
  const std::string tag = TagOfKey(lane.lease_key);
  const auto names = [&](const std::string& name) {
    return std::find(operation.begin() + 1, operation.end(), name) != operation.end();
  };
  if (what == "put" || what == "puts" || what == "remove") {
    lane.lease_covered = lane.lease_covered || names(lane.lease_key);
  } else if (what == "tag" || what == "tags") {
    lane.lease_covered = lane.lease_covered || names(tag);
  } else if (what == "prefix") {
    lane.lease_covered = lane.lease_covered || lane.lease_key.starts_with(operation[1]);
  } else if (what == "soft") {
    lane.lease_soft = lane.lease_soft || names(tag);
  }
}

void KillLoop::Answered(Lane& lane, bool stored, Round& round) {
  const Parts operation = std::exchange(lane.pending, {});
  if (operation.empty()) {
    round.finding = "an answer without a question";
    return;
  }
  ++round.operations;
  const std::string& what = operation[0];
  if (what == "lease") {
    lane.lease_key = operation[1];
    lane.lease_covered = lane.lease_soft = false;
    return;
  }
  if (what == "commit" && stored == lane.lease_covered) {
    round.finding = stored ? "a slow writer stored over what came after its lease"
                           : "a commit was refused without a reason";
  }
  if (what == "touch" && stored != lane.values.contains(operation[1])) {
    round.finding = stored ? "touched what is not there" : "could not touch what is there";
    return;
  }
  if (stored) Apply(operation, lane);
  Cover(operation, lane);
}

void KillLoop::Hear(const std::string& said, Round& round) {
  for (Lane& lane : lanes_) {
    lane.pending.clear();
    lane.lease_key.clear();
  }
  std::stringstream stream(said);
  for (std::string line; std::getline(stream, line);) {
    Parts parts = SplitTabs(line);
    if (parts.size() < 2) {
      round.finding = line;
      return;
    }
    Lane& lane = lanes_.at(std::strtoul(parts[0].c_str(), nullptr, 10));
    parts.erase(parts.begin());
    if (parts[0] == "refused") {
      round.refused = true;
      round.reached = false;
    } else if (parts[0] == "=" || parts[0] == "-") {
      Answered(lane, parts[0] == "=", round);
    } else {
      lane.pending = std::move(parts);
    }
  }
}

// The operation that was cut off took effect or not.
bool KillLoop::MayHold(const Lane& lane, const std::string& key,
                       const std::optional<Value>& found) {
  const auto is = [&](const Lane& possible) {
    const auto value = possible.values.find(key);
    if (value == possible.values.end()) return !found.has_value();
    return found == value->second;
  };
  if (is(lane)) return true;
  if (lane.pending.empty() || (lane.pending[0] == "commit" && lane.lease_covered)) return false;
  if (lane.pending[0] == "touch" && !lane.values.contains(lane.pending[1])) return false;
  Lane after = lane;
  Apply(lane.pending, after);
  return is(after);
}

void KillLoop::Check(Round& round) {
  if (!round.finding.empty()) return;
  Options options;
  options.directory = directory_;
  options.max_memory_bytes = std::uint64_t{32} << 20;
  Result<std::unique_ptr<Cache>> cache = Cache::Open(options);
  if (!cache.ok()) {
    round.finding = cache.status().ToString();
    return;
  }
  for (std::size_t i = 0; i < lanes_.size(); ++i) {
    std::map<std::string, Value> found;
    for (int k = 0; k < kKeysOfLane; ++k) {
      const std::string key = "key " + std::to_string(i) + "." + std::to_string(k);
      const std::optional<Hit> hit = (*cache)->Get(key, {.max_stale = kForever});
      std::optional<Value> value;
      if (hit.has_value()) {
        value = {.body = std::string(hit->entry.body()),
                 .tag = std::string(hit->entry.tags().at(0)),
                 .soft = hit->stale,
                 .touched = hit->entry.expires() - hit->entry.created() > kTtlPut};
      }
      if (!MayHold(lanes_[i], key, value)) {
        round.finding = key + " has " + (value ? value->body.substr(0, 30) : "nothing") +
                        (value && value->soft ? ", stale" : "") +
                        (value && value->touched ? ", touched" : "");
        return;
      }
      if (value.has_value()) found[key] = *std::move(value);
    }
    lanes_[i].values = std::move(found);
  }
}

}  // namespace larder::testing
