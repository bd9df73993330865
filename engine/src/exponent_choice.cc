#include "exponent_choice.h"

#include <algorithm>
#include <cmath>

namespace larder {
namespace {

constexpr double kSampledEntries = 512;
constexpr double kHalfLife = 10 * kSampledEntries;  // in sampled accesses
constexpr std::uint32_t kLookEvery = 500;
constexpr double kWorthASwitch = 1.01;

}  // namespace

ExponentChoice::ExponentChoice() {
  for (const Exponents& exponents : kExponents) caches_.emplace_back(exponents);
}

void ExponentChoice::SetSize(const LiveSize& size) {
  if (size.entries == 0 || size.bytes == 0) return;
  const double full = static_cast<double>(size.capacity_bytes) / static_cast<double>(size.bytes);
  const double entries = static_cast<double>(size.entries) * std::max(1.0, full);
  const double share = std::min(1.0, kSampledEntries / entries);
  const std::lock_guard<std::mutex> lock(mutex_);
  most_sampled_.store(static_cast<std::uint64_t>(share * UINT32_MAX), std::memory_order_relaxed);
  for (MiniatureCache& cache : caches_) {
    cache.SetCapacity(share * static_cast<double>(size.capacity_bytes));
  }
}

// A sample lost because another thread is at it does not bias the choice.
void ExponentChoice::Sample(const SampledAccess& access) {
  const std::unique_lock<std::mutex> lock(mutex_, std::try_to_lock);
  if (!lock.owns_lock()) return;
  for (std::size_t i = 0; i < kCandidates; ++i) {
    if (caches_[i].Access(access)) saved_[i] += access.cost;
  }
  if (++sampled_ % kLookEvery == 0) Choose();
}

void ExponentChoice::Choose() {
  const auto most = std::max_element(saved_.begin(), saved_.end());
  if (*most > kWorthASwitch * saved_[best()]) {
    SetBest(static_cast<std::size_t>(most - saved_.begin()));
  }
  const double fade = std::exp2(-static_cast<double>(kLookEvery) / kHalfLife);
  for (double& saved : saved_) saved *= fade;
}

}  // namespace larder
