#include "state_file.h"

#include <sys/random.h>
#include <xxhash.h>

#include <string_view>

#include "small_file.h"
#include "varint.h"

namespace larder {
namespace {

constexpr std::string_view kMagic = "larder state 1\n";
constexpr std::size_t kChecksumBytes = 8;
constexpr std::size_t kLineageBytes = 16;
constexpr std::size_t kMarkBytes = 8;
constexpr std::size_t kMostMarks = 512;
constexpr std::size_t kMaxFileBytes = 1 << 16;

std::string Encode(const State& state) {
  std::string bytes(kMagic);
  AppendLengthPrefixed(bytes, state.store_id);
  AppendLengthPrefixed(bytes, state.secret);
  AppendLengthPrefixed(bytes, state.anchor.boot_id);
  AppendVarint(bytes, static_cast<std::uint64_t>(state.anchor.at_boot.time_since_epoch().count()));
  AppendVarint(bytes,
               static_cast<std::uint64_t>(state.anchor.last_seen.time_since_epoch().count()));
  AppendVarint(bytes, state.number_bound);
  AppendVarint(bytes, state.counters.size());
  for (const std::uint64_t counter : state.counters) AppendVarint(bytes, counter);
  const std::uint64_t sum = XXH3_64bits(bytes.data(), bytes.size());
  for (std::size_t i = 0; i < kChecksumBytes; ++i) {
    bytes.push_back(static_cast<char>(sum >> (8 * i) & 0xff));
  }
  return bytes;
}

bool ReadString(std::string_view& in, std::string& out) {
  std::string_view view;
  if (!ReadLengthPrefixed(in, view)) return false;
  out = view;
  return true;
}

bool Decode(std::string_view bytes, State& state) {
  if (bytes.size() < kMagic.size() + kChecksumBytes || !bytes.starts_with(kMagic)) return false;
  const std::string_view body = bytes.substr(0, bytes.size() - kChecksumBytes);
  const std::uint64_t sum = XXH3_64bits(body.data(), body.size());
  for (std::size_t i = 0; i < kChecksumBytes; ++i) {
    if (bytes[body.size() + i] != static_cast<char>(sum >> (8 * i) & 0xff)) return false;
  }
  std::string_view in = body.substr(kMagic.size());
  std::uint64_t at_boot = 0;
  std::uint64_t last_seen = 0;
  std::uint64_t count = 0;
  if (!ReadString(in, state.store_id) || !ReadString(in, state.secret) ||
      !ReadString(in, state.anchor.boot_id) || !ReadVarint(in, at_boot) ||
      !ReadVarint(in, last_seen) || !ReadVarint(in, state.number_bound) || !ReadVarint(in, count) ||
      count > in.size()) {
    return false;
  }
  state.anchor.at_boot = TimePoint(Duration(static_cast<std::int64_t>(at_boot)));
  state.anchor.last_seen = TimePoint(Duration(static_cast<std::int64_t>(last_seen)));
  state.counters.resize(count);
  for (std::uint64_t& counter : state.counters) {
    if (!ReadVarint(in, counter)) return false;
  }
  return in.empty();
}

std::string RandomBytes(std::size_t count) {
  std::string bytes(count, '\0');
  std::size_t have = 0;
  while (have < count) {
    const ssize_t got = ::getrandom(bytes.data() + have, count - have, 0);
    if (got > 0) have += static_cast<std::size_t>(got);
  }
  return bytes;
}

}  // namespace

Status ReadState(const std::string& path, State& state) {
  const Result<std::string> bytes = ReadSmallFile(path, kMaxFileBytes);
  if (!bytes.ok()) return bytes.status();
  if (!Decode(*bytes, state)) return {StatusCode::kDataLoss, path + " does not verify"};
  return Status::Ok();
}

Status WriteState(const std::string& path, const State& state) {
  return ReplaceSmallFile(path, Encode(state), "state written");
}

State NewState() {
  State state;
  state.store_id = RandomBytes(kLineageBytes + kMarkBytes);
  state.secret = RandomBytes(32);
  return state;
}

bool IsSameLineage(const State& a, const State& b) {
  return a.store_id.compare(0, kLineageBytes, b.store_id, 0, kLineageBytes) == 0;
}

void RenewHistory(State& state) {
  state.store_id.resize(kLineageBytes);
  AddMark(state);
}

void KeepLatestMark(State& state) {
  if (state.store_id.size() <= kLineageBytes + kMarkBytes) return;
  state.store_id.erase(kLineageBytes, state.store_id.size() - kLineageBytes - kMarkBytes);
}

void AddMark(State& state) {
  state.store_id += RandomBytes(kMarkBytes);
  if (state.store_id.size() > kLineageBytes + kMostMarks * kMarkBytes) {
    state.store_id.erase(kLineageBytes, kMarkBytes);
  }
}

std::string_view LatestMark(const State& state) {
  const std::string_view id = state.store_id;
  return id.size() < kLineageBytes + kMarkBytes ? std::string_view{}
                                                : id.substr(id.size() - kMarkBytes);
}

bool HasMarkOf(const State& state, const State& earlier) {
  const std::string_view mark = LatestMark(earlier);
  if (!IsSameLineage(state, earlier) || mark.empty()) return false;
  const std::string_view marks = state.store_id;
  for (std::size_t at = kLineageBytes; at + kMarkBytes <= marks.size(); at += kMarkBytes) {
    if (marks.substr(at, kMarkBytes) == mark) return true;
  }
  return false;
}

}  // namespace larder
