// Compact: the whole store, piece by piece, so that it needs no more room than a piece.
#include <algorithm>
#include <chrono>
#include <thread>

#include "cache_core.h"

namespace larder {
namespace {

// RocksDB may merge some of the files itself meanwhile.
constexpr std::chrono::milliseconds kPause{10};
constexpr int kMostPauses = 6000;

// What is left to rewrite: what was there when it began.
std::vector<StoreFile> Left(std::vector<StoreFile> files, std::uint64_t newest) {
  std::erase_if(files, [newest](const StoreFile& file) { return file.number > newest; });
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

// The next level down that holds anything, else the last.
int LevelUnder(int level, const std::vector<StoreFile>& files) {
  int under = Store::kLastLevel;
  for (const StoreFile& file : files) {
    if (file.level > level) under = std::min(under, file.level);
  }
  return under;
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
    std::uint64_t newest = 0;
    for (const StoreFile& file : files) newest = std::max(newest, file.number);
    const std::uint64_t total = BytesOf(files);
    int pauses = 0;
    while (true) {
      const std::vector<StoreFile> left = Left(files, newest);
      if (progress)
        progress({.done_bytes = total - std::min(total, BytesOf(left)), .total_bytes = total});
      const std::vector<StoreFile> piece = NextPiece(left);
      if (piece.empty()) return Status::Ok();
      const Status status =
          RewriteFiles(store, piece, LevelUnder(piece[0].level, files), std::nullopt);
      // Another merge has the files, or the room; but a store with a fault is not waited for.
      const bool in_the_way = (status.code() == StatusCode::kNotFound ||
                               status.code() == StatusCode::kResourceExhausted) &&
                              GetHealth().state == HealthState::kServing;
      if (!status.ok() && (!in_the_way || ++pauses > kMostPauses)) return status;
      if (!status.ok()) std::this_thread::sleep_for(kPause);
      files = store.Files();
    }
  });
}

}  // namespace larder
