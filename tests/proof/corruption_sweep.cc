#include "corruption_sweep.h"

#include <algorithm>
#include <fstream>
#include <iterator>
#include <optional>
#include <thread>
#include <utility>

#include "cache_core.h"
#include "cache_oracle.h"

namespace larder::testing {
namespace {

namespace fs = std::filesystem;

constexpr int kKeys = 60;
const CacheInternals kSmall = {.write_buffer_bytes = std::uint64_t{64} << 10,
                               .journal_room = 24,
                               .close_patience = std::chrono::hours(1)};

Options OptionsFor(const std::string& directory) {
  Options options;
  options.directory = directory;
  options.max_memory_bytes = std::uint64_t{32} << 20;
  return options;
}

std::string KeyOf(int key) { return "key " + std::to_string(key); }

std::string ReadFile(const std::string& path) {
  std::ifstream file(path, std::ios::binary);
  return {std::istreambuf_iterator<char>(file), {}};
}

void WriteFile(const std::string& path, const std::string& bytes) {
  std::ofstream(path, std::ios::binary | std::ios::trunc) << bytes;
}

}  // namespace

std::string ToString(const Damage& damage) {
  static constexpr const char* kNames[] = {"flip",   "zero", "truncate", "append",
                                           "remove", "swap", "copy"};
  return std::string(kNames[static_cast<std::size_t>(damage.kind)]) + " " + damage.file +
         (damage.other.empty() ? "" : " " + damage.other) + " at " + std::to_string(damage.at) +
         " with " + std::to_string(damage.with);
}

CorruptionSweep::CorruptionSweep(std::uint64_t seed) : random_(seed) {
  {
    const std::unique_ptr<Cache> cache = *OpenCache(OptionsFor(running_), kSmall);
    Fill(*cache);
    if (seed % 2 == 1) CopyWhileOpen();
  }
  if (seed % 2 == 0) fs::rename(running_, sound_);
  for (const auto& item : fs::recursive_directory_iterator(sound_)) {
    const std::string name = item.path().lexically_relative(sound_).string();
    if (item.is_regular_file() && name != "store/LOCK") files_.push_back(name);
  }
  std::sort(files_.begin(), files_.end());
}

void CorruptionSweep::Put(Cache& cache, int key, const std::string& tag) {
  static std::uint64_t next = 1;
  const std::string body = MakeBody(next++, 100 + random_() % 4000);
  static_cast<void>(cache.Put(KeyOf(key), body, {.tags = {tag}}));
  may_be_served_[KeyOf(key)].insert(body);
}

// Keys by their last digit: 0 removed, 1 invalidated by tag, 2 removed and written again,
// 3 replaced, 4 removed under a slow writer; all early (in tables) or late (in the log).
void CorruptionSweep::Fill(Cache& cache) {
  for (int key = 0; key < kKeys; ++key) {
    keys_.push_back(KeyOf(key));
    Put(cache, key, key % 10 == 1 ? "doomed" : "tag " + std::to_string(key % 7));
  }
  const auto remove = [&](int key) {
    // On a machine that stands still for a second the disk looks as if it hung.
    while (!cache.Remove(KeyOf(key)).ok()) std::this_thread::yield();
    may_be_served_.erase(KeyOf(key));
  };
  const auto change = [&](int from, int to) {
    for (int key = from; key < to; ++key) {
      const int kind = key % 10;
      std::optional<Lease> slow;
      if (kind == 4) slow = std::get<Lease>(cache.Acquire(KeyOf(key), {.newer_than = kRefresh}));
      if (kind == 0 || kind == 2 || kind == 4) remove(key);
      if (kind == 2 || kind == 3) Put(cache, key, "tag 2");
      if (slow.has_value()) static_cast<void>(slow->Commit("slow", {}));
    }
  };
  change(0, kKeys / 2);
  static_cast<void>(cache.Compact());
  for (int i = 0; i < 3; ++i) {
    const Invalidation what = {.tags = {"doomed", "other " + std::to_string(i)}};
    while (!cache.Invalidate(what).ok()) std::this_thread::yield();
  }
  for (int key = 1; key < kKeys; key += 10) may_be_served_.erase(KeyOf(key));
  change(kKeys / 2, kKeys);
}

// RocksDB may be changing files by itself: until nothing has changed meanwhile.
void CorruptionSweep::CopyWhileOpen() const {
  const auto sizes = [this] {
    std::map<fs::path, std::uintmax_t> found;
    std::error_code gone;
    for (const auto& item : fs::recursive_directory_iterator(running_)) {
      if (item.is_regular_file(gone)) found[item.path()] = item.file_size(gone);
    }
    return found;
  };
  for (auto before = sizes();; before = sizes()) {
    std::error_code error;
    fs::remove_all(sound_);
    fs::copy(running_, sound_, fs::copy_options::recursive, error);
    if (!error && sizes() == before) return;
  }
}

std::vector<std::string> CorruptionSweep::FilesOf(const std::string& kind) const {
  std::vector<std::string> found;
  for (const std::string& file : files_) {
    if (file.find(kind) != std::string::npos) found.push_back(file);
  }
  return found;
}

std::uint64_t CorruptionSweep::SizeOf(const std::string& file) const {
  return fs::file_size(SoundPath(file));
}

Damage CorruptionSweep::RandomDamage() {
  Damage damage;
  damage.kind = static_cast<Damage::Kind>(random_() % 7);
  damage.file = files_[random_() % files_.size()];
  const std::uint64_t size = std::max<std::uint64_t>(SizeOf(damage.file), 1);
  damage.at = random_() % size;
  damage.with = static_cast<unsigned char>(1 + random_() % 255);
  if (damage.kind == Damage::Kind::kZero) damage.at = damage.at / 512 * 512;
  if (damage.kind == Damage::Kind::kSwap || damage.kind == Damage::Kind::kCopy) {
    damage.other = files_[random_() % files_.size()];
  }
  return damage;
}

void CorruptionSweep::Inflict(const Damage& damage) const {
  const std::string path = TriedPath(damage.file);
  if (!fs::exists(path)) return;
  std::string bytes = ReadFile(path);
  switch (damage.kind) {
    case Damage::Kind::kFlip:
      if (damage.at >= bytes.size()) return;
      bytes[damage.at] = static_cast<char>(bytes[damage.at] ^ damage.with);
      break;
    case Damage::Kind::kZero:
      for (std::uint64_t i = damage.at; i < std::min<std::uint64_t>(damage.at + 512, bytes.size());
           ++i) {
        bytes[i] = '\0';
      }
      break;
    case Damage::Kind::kTruncate:
      bytes.resize(std::min<std::uint64_t>(damage.at, bytes.size()));
      break;
    case Damage::Kind::kAppend: bytes.append(damage.at, '\xa5'); break;
    case Damage::Kind::kRemove: fs::remove(path); return;
    case Damage::Kind::kSwap: {
      const std::string other = TriedPath(damage.other);
      if (!fs::exists(other)) return;
      std::string others = ReadFile(other);
      WriteFile(other, bytes);
      bytes = std::move(others);
      break;
    }
    case Damage::Kind::kCopy: bytes = ReadFile(TriedPath(damage.other)); break;
  }
  WriteFile(path, bytes);
}

std::string CorruptionSweep::Check(Cache& cache) {
  served_ = 0;
  for (const std::string& key : keys_) {
    const std::optional<Hit> hit = cache.Get(key);
    if (!hit.has_value()) continue;
    const auto right = may_be_served_.find(key);
    if (right == may_be_served_.end()) return key + " was removed or invalidated, and is served";
    if (right->second.count(std::string(hit->entry.body())) == 0) return key + " is served wrong";
    ++served_;
  }
  if (const Status status = cache.Put("new", "value").status(); !status.ok()) {
    return "nothing can be written: " + status.ToString();
  }
  return cache.Get("new").has_value() ? "" : "what was just written is not found";
}

// Twice: what the first opening made of it must be as sound.
std::string CorruptionSweep::Try(const std::vector<Damage>& damages) {
  fs::remove_all(tried_);
  fs::copy(sound_, tried_, fs::copy_options::recursive);
  for (const Damage& damage : damages) Inflict(damage);
  for (int i = 0; i < 2; ++i) {
    const Result<std::unique_ptr<Cache>> cache = OpenCache(OptionsFor(tried_), kSmall);
    if (!cache.ok()) return "open: " + cache.status().ToString();
    std::string wrong = Check(**cache);
    if (!wrong.empty()) return wrong;
  }
  return {};
}

}  // namespace larder::testing
