// SpaceBudget: keeps the cache's directory within max_disk_bytes. Knows no store.
//
// At every instant  bytes on disk + what is promised  stays within the limit. Promised is: the
// logs once more (what is in them is written to a table before they go), what running merges may
// still write, the rows that writers are about to write, and a slack for small files. So a value
// is let in only while that holds with it and the next merge has its room too; and a merge never
// writes more than it was granted: what does not fit is evicted, the least worth first.
//
// Levels of pressure, by what the tables take of their target:
//   calm       nothing is judged
//   learning   from 85 %: merges into the last level learn what entries are worth
//   evicting   from 95 %: they also drop a share, 10 % rising to 50 %
//   sweeping   from 100 %: slices are rewritten for it, one after the other, oldest-swept first
//   refusing   there is no room: values wait 10 ms, then they are refused and counted
#pragma once

#include <atomic>
#include <cstdint>
#include <memory>

#include "space_plan.h"

namespace larder {

// Kept by who writes the store's files.
struct DiskUse {
  std::atomic<std::int64_t> bytes{0};      // all files of the store, logs included
  std::atomic<std::int64_t> log_bytes{0};  // write-ahead logs
};

enum class Pressure { kCalm, kLearning, kEvicting, kSweeping, kRefusing };
const char* PressureName(Pressure pressure);

// Thread-safe.
class SpaceBudget {
 public:
  explicit SpaceBudget(std::uint64_t max_disk_bytes,
                       std::uint64_t most_write_buffer_bytes = UINT64_MAX);
  SpaceBudget(const SpaceBudget&) = delete;
  SpaceBudget& operator=(const SpaceBudget&) = delete;

  SpacePlan plan() const {
    return SpacePlan(limit_.load(std::memory_order_relaxed),
                     most_write_buffer_bytes_.load(std::memory_order_relaxed));
  }
  void SetLimit(std::uint64_t max_disk_bytes) { limit_ = max_disk_bytes; }
  void SetMostWriteBuffer(std::uint64_t bytes) { most_write_buffer_bytes_ = bytes; }

  DiskUse& use() { return use_; }
  // Of what is beside the store, as last measured; of the live tables; whether RocksDB takes
  // writes without making them wait.
  void SetOther(std::uint64_t bytes) { other_ = static_cast<std::int64_t>(bytes); }
  // So many more are about to be there. Until SetOther, which has looked.
  void ExpectOther(std::uint64_t bytes) { other_ += static_cast<std::int64_t>(bytes); }
  void SetTables(std::uint64_t bytes) { tables_ = static_cast<std::int64_t>(bytes); }
  void SetStalled(bool stalled) { stalled_ = stalled; }

  std::uint64_t bytes() const { return static_cast<std::uint64_t>(use_.bytes + other_); }
  Pressure pressure() const;
  // Which share of its bytes a merge should drop; below 0: it is not to be judged.
  double Drop() const;
  // The tables take more than they may, whatever merges drop.
  bool MustSweep() const;
  // Whether all tables could be written anew with none of them deleted.
  bool FitsTwice() const { return Free(plan(), promised_) >= tables_; }
  // What the tables may take.
  std::uint64_t TablesTarget() const {
    return plan().TablesTarget(static_cast<std::uint64_t>(other_.load()));
  }

  // Room for a row on its way to the log. Gives it back when destroyed.
  class Room {
   public:
    Room(Room&& other) noexcept;
    Room& operator=(Room&&) = delete;
    ~Room();
    explicit operator bool() const { return budget_ != nullptr; }

   private:
    friend class SpaceBudget;
    Room(SpaceBudget* budget, std::int64_t bytes) : budget_(budget), bytes_(bytes) {}
    SpaceBudget* budget_;
    std::int64_t bytes_;
  };
  // False if there is none now.
  Room TryTakeRoom(std::uint64_t row_bytes);
  // The same, of what is kept free for merges, too.
  Room TryTakeReserve(std::uint64_t row_bytes);
  // Waits 10 ms at most.
  Room TakeRoom(std::uint64_t row_bytes);

  // Of what pressure drops of a slice, the most.
  static constexpr double kMostDrop = 0.5;
  // A row that is dropped where others may lie below becomes a deletion, of its key and so much.
  static constexpr std::uint64_t kDeletionBytes = 16;

  // What a merge may write. Given back as it is written, and when it is destroyed.
  class Grant {
   public:
    struct Share {
      std::int64_t bytes;      // promised already
      std::int64_t for_drops;  // so many of them are for dropping all
      bool more_later;
    };
    Grant(SpaceBudget& budget, std::int64_t input, const Share& share);
    ~Grant();
    Grant(const Grant&) = delete;
    Grant& operator=(const Grant&) = delete;

    // A row of so many bytes may be kept, and is; dropping it would have taken `drop_bytes`.
    bool Keep(std::uint64_t bytes, std::uint64_t drop_bytes = 0);
    // What must be written was: a removal, or what a row that was dropped leaves.
    void Spend(std::uint64_t bytes, std::uint64_t drop_bytes = 0);
    // Less than its input: it must drop what does not fit.
    bool constrained() const { return bytes_ < input_; }
    double DropToFit() const;
    // Other merges run, which have the room, and give it back when they end.
    bool more_later() const { return more_later_; }

   private:
    SpaceBudget& budget_;
    const std::int64_t input_;
    const std::int64_t bytes_;
    const bool more_later_;
    std::int64_t for_drops_;  // of the rows that have not come yet
    std::int64_t kept_ = 0;
    std::int64_t given_back_ = 0;
  };
  // For a merge of tables of so many bytes. It is never refused: what it replaces must go. One
  // that is not urgent leaves room for one that is.
  std::unique_ptr<Grant> GrantMerge(std::uint64_t input_bytes, bool urgent,
                                    std::uint64_t drop_bytes = 0);

 private:
  double Full() const;
  std::int64_t Free(const SpacePlan& plan, std::int64_t promised) const;
  std::int64_t RoomForNextMerge(const SpacePlan& plan) const;
  bool Fits() const;

  std::atomic<std::uint64_t> limit_;
  std::atomic<std::uint64_t> most_write_buffer_bytes_;
  DiskUse use_;
  std::atomic<std::int64_t> other_{0};
  std::atomic<std::int64_t> tables_{0};
  std::atomic<std::int64_t> promised_{0};  // rows on their way, merges' grants
  std::atomic<std::int64_t> merging_{0};   // inputs of running merges
  std::atomic<bool> stalled_{false};
};

}  // namespace larder
