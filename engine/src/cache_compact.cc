// Compact: the whole store, piece by piece, so that it needs no more room than a piece.
#include <algorithm>
#include <chrono>
#include <set>
#include <thread>

#include "cache_core.h"
#include "slice_choice.h"

namespace larder {
namespace {

// RocksDB may merge some of the files itself meanwhile.
constexpr std::chrono::milliseconds kPause{10};
constexpr int kMostPauses = 6000;

std::uint64_t Newest(const std::vector<StoreFile>& files) {
  std::uint64_t newest = 0;
  for (const StoreFile& file : files) newest = std::max(newest, file.number);
  return newest;
}

// What is left to rewrite: what was there when it began, and what was written of that into levels
// above the last. Only in the last one is nothing left of what was removed or replaced.
std::vector<StoreFile> Left(std::vector<StoreFile> files, std::uint64_t newest,
                            const std::set<std::uint64_t>& on_the_way) {
  std::erase_if(files, [&](const StoreFile& file) {
    return file.number > newest && !on_the_way.contains(file.number);
  });
  return files;
}

// The next piece: from the top down, so that what lies higher is not pushed through a level that
// was done already. All of L0 at once, as its files overlap; else a file.
std::vector<StoreFile> NextPiece(const std::vector<StoreFile>& left) {
  const auto top = std::min_element(left.begin(), left.end(),
                                    [](const auto& a, const auto& b) { return a.level < b.level; });
  if (top == left.end()) return {};
  if (top->level > 0) return {*top};
  std::vector<StoreFile> piece;
  std::copy_if(left.begin(), left.end(), std::back_inserter(piece),
               [](const StoreFile& file) { return file.level == 0; });
  return piece;
}

std::uint64_t BytesOf(const std::vector<StoreFile>& files) {
  std::uint64_t bytes = 0;
  for (const StoreFile& file : files) bytes += file.bytes;
  return bytes;
}

}  // namespace

Status CacheCore::CompactAll(const CompactProgress& progress) {
  return supervisor_->RunLong([&](Store& store) {
    if (Status status = store.Flush(); !status.ok()) return status;
    std::vector<StoreFile> files = store.Files();
    const std::uint64_t newest = Newest(files);
    std::set<std::uint64_t> on_the_way;  // that we wrote, above the last level
    const std::uint64_t total = BytesOf(files);
    std::uint64_t done = 0;
    int pauses = 0;
    while (true) {
      const std::vector<StoreFile> left = Left(files, newest, on_the_way);
      done = std::max(done, total - std::min(total, BytesOf(left)));
      if (progress) progress({.done_bytes = done, .total_bytes = total});
      const std::vector<StoreFile> piece = NextPiece(left);
      if (piece.empty()) return Status::Ok();
      const Status status = RewriteDown(store, piece, LevelUnder(piece[0].level, files));
      const std::uint64_t newest_before = Newest(files);
      files = store.Files();
      if (status.ok()) {
        pauses = 0;
        for (const StoreFile& file : files) {
          const bool above = file.level > piece[0].level && file.level < Store::kLastLevel;
          if (above && file.number > newest_before) on_the_way.insert(file.number);
        }
        continue;
      }
      // Another merge has the files, or the room; but a store with a fault is not waited for.
      const bool in_the_way = (status.code() == StatusCode::kNotFound ||
                               status.code() == StatusCode::kResourceExhausted) &&
                              GetHealth().state == HealthState::kServing;
      if (!in_the_way) return status;
      if (++pauses > kMostPauses) {
        if (status.code() == StatusCode::kResourceExhausted) return status;
        return Status(StatusCode::kUnavailable, "other merges do not end: " + status.message());
      }
      std::this_thread::sleep_for(kPause);
      files = store.Files();
    }
  });
}

}  // namespace larder
