#include "space_budget.h"

#include <algorithm>
#include <chrono>
#include <thread>

namespace larder {
namespace {

constexpr double kLearn = 0.85;
constexpr double kEvict = 0.95;
constexpr double kSweep = 1.0;
constexpr double kLeastDrop = 0.1;
// Over kEvict by so much, the most is dropped.
constexpr double kRamp = 0.1;
// A table holds more than its rows: index, filter, checksums.
constexpr double kRowShare = 0.85;
// A merge's rows may be so far ahead of its file.
constexpr std::int64_t kBufferedBytes = std::int64_t{2} << 20;
// A row in a log has a header, and may begin a new block.
constexpr std::uint64_t kLogOverhead = 64;
constexpr int kWaits = 10;

// Once in the log, once in the table that is written from it.
std::int64_t RoomOf(std::uint64_t row_bytes) {
  return static_cast<std::int64_t>(2 * (row_bytes + kLogOverhead));
}

}  // namespace

const char* PressureName(Pressure pressure) {
  switch (pressure) {
    case Pressure::kCalm: return "calm";
    case Pressure::kLearning: return "learning";
    case Pressure::kEvicting: return "evicting";
    case Pressure::kSweeping: return "sweeping";
    case Pressure::kRefusing: return "refusing";
  }
  return "?";
}

SpaceBudget::SpaceBudget(std::uint64_t max_disk_bytes, std::uint64_t most_write_buffer_bytes)
    : limit_(max_disk_bytes), most_write_buffer_bytes_(most_write_buffer_bytes) {}

std::int64_t SpaceBudget::Free(const SpacePlan& plan, std::int64_t promised) const {
  return static_cast<std::int64_t>(plan.limit - plan.slack) - use_.bytes - use_.log_bytes - other_ -
         promised;
}

// A merge that runs has its grant, and its inputs go when it ends.
std::int64_t SpaceBudget::RoomForNextMerge(const SpacePlan& plan) const {
  return std::max<std::int64_t>(0, static_cast<std::int64_t>(plan.merge_room) - merging_);
}

bool SpaceBudget::Fits() const {
  const SpacePlan now = plan();
  return Free(now, promised_) >= RoomForNextMerge(now);
}

// What the tables take, as a share of what they may.
double SpaceBudget::Full() const {
  return static_cast<double>(tables_) / static_cast<double>(TablesTarget());
}

Pressure SpaceBudget::pressure() const {
  if (stalled_ || !Fits()) return Pressure::kRefusing;
  const double full = Full();
  return full < kLearn   ? Pressure::kCalm
         : full < kEvict ? Pressure::kLearning
         : full < kSweep ? Pressure::kEvicting
                         : Pressure::kSweeping;
}

bool SpaceBudget::MustSweep() const { return Full() >= kSweep; }

double SpaceBudget::Drop() const {
  const double full = Full();
  if (full < kLearn) return -1;
  if (full < kEvict) return 0;
  return kLeastDrop + (kMostDrop - kLeastDrop) * std::min(1.0, (full - kEvict) / kRamp);
}

SpaceBudget::Room::Room(Room&& other) noexcept : budget_(other.budget_), bytes_(other.bytes_) {
  other.budget_ = nullptr;
}

SpaceBudget::Room::~Room() {
  if (budget_ != nullptr) budget_->promised_ -= bytes_;
}

SpaceBudget::Room SpaceBudget::TryTakeReserve(std::uint64_t row_bytes) {
  const std::int64_t bytes = RoomOf(row_bytes);
  promised_ += bytes;
  if (Free(plan(), promised_) >= 0) return {this, bytes};
  promised_ -= bytes;
  return {nullptr, 0};
}

SpaceBudget::Room SpaceBudget::TryTakeRoom(std::uint64_t row_bytes) {
  const std::int64_t bytes = RoomOf(row_bytes);
  promised_ += bytes;
  if (!stalled_ && Fits()) return {this, bytes};
  promised_ -= bytes;
  return {nullptr, 0};
}

SpaceBudget::Room SpaceBudget::TakeRoom(std::uint64_t row_bytes) {
  for (int wait = 0; wait < kWaits; ++wait) {
    Room room = TryTakeRoom(row_bytes);
    if (room) return room;
    std::this_thread::sleep_for(std::chrono::milliseconds(1));
  }
  return TryTakeRoom(row_bytes);
}

// Several begin at once, and the same room is not promised to two.
std::unique_ptr<SpaceBudget::Grant> SpaceBudget::GrantMerge(std::uint64_t input_bytes, bool urgent,
                                                            std::uint64_t drop_bytes) {
  const SpacePlan now = plan();
  const auto input = static_cast<std::int64_t>(input_bytes);
  // Whatever it drops, it writes so much.
  const std::int64_t least = std::min(static_cast<std::int64_t>(drop_bytes), input);
  // The limit was lowered under what is there: this is how it gets under it.
  const bool exceeded = use_.bytes + other_ > static_cast<std::int64_t>(now.limit);
  const bool others_run = merging_ > 0;
  std::int64_t promised = promised_;
  std::int64_t bytes = 0;
  do {
    std::int64_t room = Free(now, promised);
    if (!urgent) room = std::max(room - RoomForNextMerge(now) / 2, room / 4);
    bytes = std::clamp<std::int64_t>(room, least, input);
    if (exceeded) bytes = std::max(bytes, input / 2);
  } while (!promised_.compare_exchange_weak(promised, promised + bytes));
  return std::make_unique<Grant>(
      *this, input,
      Grant::Share{.bytes = bytes, .for_drops = least, .more_later = others_run && !exceeded});
}

SpaceBudget::Grant::Grant(SpaceBudget& budget, std::int64_t input, const Share& share)
    : budget_(budget),
      input_(input),
      bytes_(share.bytes),
      more_later_(share.more_later),
      for_drops_(share.for_drops) {
  budget_.merging_ += input_;
}

SpaceBudget::Grant::~Grant() {
  budget_.promised_ -= bytes_ - given_back_;
  budget_.merging_ -= input_;
}

bool SpaceBudget::Grant::Keep(std::uint64_t bytes, std::uint64_t drop_bytes) {
  const std::int64_t still_for_drops =
      std::max<std::int64_t>(0, for_drops_ - static_cast<std::int64_t>(drop_bytes));
  const auto wanted =
      static_cast<double>(kept_ + static_cast<std::int64_t>(bytes) + still_for_drops);
  if (constrained() && wanted > kRowShare * static_cast<double>(bytes_)) return false;
  Spend(bytes, drop_bytes);
  return true;
}

void SpaceBudget::Grant::Spend(std::uint64_t bytes, std::uint64_t drop_bytes) {
  for_drops_ = std::max<std::int64_t>(0, for_drops_ - static_cast<std::int64_t>(drop_bytes));
  kept_ += static_cast<std::int64_t>(bytes);
  const std::int64_t written = std::clamp<std::int64_t>(kept_ - kBufferedBytes, 0, bytes_);
  budget_.promised_ -= written - given_back_;
  given_back_ = written;
}

double SpaceBudget::Grant::DropToFit() const {
  if (!constrained()) return 0;
  const double kept = kRowShare * static_cast<double>(bytes_) - static_cast<double>(for_drops_);
  return 1 - std::max(0.0, kept) / static_cast<double>(input_);
}

}  // namespace larder
