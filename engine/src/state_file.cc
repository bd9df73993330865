#include "state_file.h"

#include <fcntl.h>
#include <sys/random.h>
#include <unistd.h>
#include <xxhash.h>

#include <cerrno>
#include <cstring>
#include <string_view>

#include "kill_point.h"
#include "varint.h"

namespace larder {
namespace {

constexpr std::string_view kMagic = "larder state 1\n";
constexpr std::size_t kChecksumBytes = 8;
constexpr std::size_t kMaxFileBytes = 1 << 16;

Status Failed(const char* what, const std::string& path) {
  return {errno == ENOENT ? StatusCode::kNotFound : StatusCode::kUnavailable,
          std::string(what) + " " + path + ": " + std::strerror(errno)};
}

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

bool WriteAll(int fd, std::string_view bytes) {
  while (!bytes.empty()) {
    const ssize_t written = ::write(fd, bytes.data(), bytes.size());
    if (written < 0 && errno == EINTR) continue;
    if (written <= 0) return false;
    bytes.remove_prefix(static_cast<std::size_t>(written));
  }
  return true;
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
  const int fd = ::open(path.c_str(), O_RDONLY | O_CLOEXEC);
  if (fd < 0) return Failed("open", path);
  std::string bytes(kMaxFileBytes, '\0');
  const ssize_t size = ::read(fd, bytes.data(), bytes.size());
  const Status failure = size < 0 ? Failed("read", path) : Status::Ok();
  ::close(fd);
  if (!failure.ok()) return failure;
  bytes.resize(static_cast<std::size_t>(size));
  if (!Decode(bytes, state)) return {StatusCode::kDataLoss, path + " does not verify"};
  return Status::Ok();
}

Status WriteState(const std::string& path, const State& state) {
  const std::string temporary = path + ".new";
  const int fd = ::open(temporary.c_str(), O_WRONLY | O_CREAT | O_TRUNC | O_CLOEXEC, 0600);
  if (fd < 0) return Failed("create", temporary);
  const bool written = WriteAll(fd, Encode(state)) && ::fdatasync(fd) == 0;
  const Status failure = written ? Status::Ok() : Failed("write", temporary);
  ::close(fd);
  if (!failure.ok()) return failure;
  KillPoint("state written");
  if (::rename(temporary.c_str(), path.c_str()) != 0) return Failed("rename", temporary);
  const std::string directory = path.substr(0, path.find_last_of('/'));
  const int directory_fd = ::open(directory.c_str(), O_RDONLY | O_DIRECTORY | O_CLOEXEC);
  if (directory_fd < 0) return Failed("open", directory);
  const bool synced = ::fsync(directory_fd) == 0;
  ::close(directory_fd);
  return synced ? Status::Ok() : Failed("sync", directory);
}

State NewState() {
  State state;
  state.store_id = RandomBytes(16);
  state.secret = RandomBytes(32);
  return state;
}

}  // namespace larder
