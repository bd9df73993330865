// The hot list: what is hot is noted once a minute and at close, and brought back into memory in
// the background after opening. What is brought back is judged like any other read.
#include <algorithm>
#include <exception>
#include <string>
#include <system_error>
#include <vector>

#include "cache_lookup.h"
#include "hot_list.h"
#include "small_file.h"

namespace larder {
namespace {

constexpr const char* kFile = "hot";
// Read in the order of the keys, as neighbours on disk; the hottest piece first.
constexpr std::size_t kKeysAtOnce = 512;

}  // namespace

// Among the small files for which the disk budget sets something aside.
std::size_t CacheCore::MostHotListBytes() const { return budget_.plan().slack / 8; }

void CacheCore::SaveHotList() {
  // What is not all back yet must not take the place of the list that is being read.
  if (!internals_.hot_tier || !warmed_up_ || !CheckDirectory().ok()) return;
  const std::size_t most = MostHotListBytes();
  const std::string list = EncodeHotList(hot_tier_->HottestKeys(most), most);
  const Status status = ReplaceSmallFile(PathOf(kFile), list, "hot list written");
  if (!status.ok()) Log(LogLevel::kWarning, "save the hot list: " + status.ToString());
}

// When there is a store to read from; again if it went away meanwhile. One thread at a time.
void CacheCore::StartWarmUp() {
  if (!internals_.hot_tier) return;
  if (!internals_.threads) return WarmUp();
  if (warmer_.joinable()) warmer_.join();
  warming_up_ = true;
  try {
    warmer_ = std::thread([this] {
      WarmUp();
      warming_up_ = false;
    });
  } catch (const std::system_error& error) {  // later there may be one
    warming_up_ = false;
    Log(LogLevel::kWarning, std::string("read the hot list: ") + error.what());
  }
}

// Runs on a thread of its own, beside calls.
void CacheCore::WarmUp() {
  bool done = true;
  try {
    const Result<std::string> saved = ReadSmallFile(PathOf(kFile), options_.max_disk_bytes);
    if (saved.ok()) {
      Result<std::vector<std::string>> keys = DecodeHotList(*saved);
      if (keys.ok()) {
        done = ReadIntoMemory(*std::move(keys));
      } else {
        Log(LogLevel::kWarning, keys.status().ToString());
      }
    } else if (saved.status().code() != StatusCode::kNotFound) {
      Log(LogLevel::kWarning, "read the hot list: " + saved.status().ToString());
    }
  } catch (const std::exception& error) {  // out of memory
    Log(LogLevel::kError, std::string("read the hot list: ") + error.what());
  }
  if (done) warmed_up_ = true;
}

// False if it was cut off.
bool CacheCore::ReadIntoMemory(std::vector<std::string> keys) {
  for (std::size_t begin = 0; begin < keys.size(); begin += kKeysAtOnce) {
    const auto first = keys.begin() + static_cast<std::ptrdiff_t>(begin);
    const auto last =
        keys.begin() + static_cast<std::ptrdiff_t>(std::min(begin + kKeysAtOnce, keys.size()));
    std::sort(first, last);
    for (auto key = first; key != last; ++key) {
      // Full: what is there was asked for since, or is hotter.
      if (hot_tier_->bytes() >= hot_tier_->capacity() / 16 * 15) return true;
      if (calls_.shut() || !BringBack(*key)) return false;
    }
  }
  return !calls_.shut();
}

// False if there is no store to read from.
bool CacheCore::BringBack(std::string_view key) {
  const std::uint64_t hash = HotTier::HashKey(key);
  if (hot_tier_->Peek(key, hash) != nullptr) return true;
  const Turnstile::Pass pass = supervisor_->EnterToRead();
  if (!pass) return false;
  const std::uint64_t version = StripeOf(hash).version.load(std::memory_order_acquire);
  PinnedRow row;
  const ReadOutcome outcome = supervisor_->Peek(key, row);
  hot_tier_->Expect(hash);
  Query query = MakeQuery({});
  static_cast<void>(Take(key, hash, version, outcome, row.bytes(), query));
  return true;
}

}  // namespace larder
