#include "larder/options.h"

namespace larder {
namespace {

constexpr std::uint64_t kMinDiskBytes = std::uint64_t{256} << 20;
constexpr std::uint64_t kMinMemoryBytes = std::uint64_t{32} << 20;
constexpr std::uint64_t kMaxBodyBytesLimit = std::uint64_t{1} << 30;
constexpr int kMaxLevel = 19;
constexpr double kMaxJitter = 0.5;
constexpr Duration kMaxNegativeTtl = std::chrono::minutes(5);

Status Invalid(std::string message) { return {StatusCode::kInvalidArgument, std::move(message)}; }

Status NotNegative(const char* name, Duration value) {
  if (value >= Duration::zero()) return Status::Ok();
  return Invalid(std::string(name) + " of " + std::to_string(value.count()) + " ms is negative");
}

}  // namespace

Status Options::Validate() const {
  if (directory.empty()) return Invalid("directory is empty");
  if (max_disk_bytes < kMinDiskBytes) {
    return Invalid("max_disk_bytes " + std::to_string(max_disk_bytes) + " is under " +
                   std::to_string(kMinDiskBytes));
  }
  if (max_memory_bytes < kMinMemoryBytes) {
    return Invalid("max_memory_bytes " + std::to_string(max_memory_bytes) + " is under " +
                   std::to_string(kMinMemoryBytes));
  }
  if (max_body_bytes == 0 || max_body_bytes > kMaxBodyBytesLimit) {
    return Invalid("max_body_bytes " + std::to_string(max_body_bytes) + " is not within 1 and " +
                   std::to_string(kMaxBodyBytesLimit));
  }
  if (!(ttl_jitter >= 0 && ttl_jitter <= kMaxJitter)) {
    return Invalid("ttl_jitter " + std::to_string(ttl_jitter) + " is not within 0 and 0.5");
  }
  if (compression.level < 0 || compression.level > kMaxLevel) {
    return Invalid("compression.level " + std::to_string(compression.level) +
                   " is not within 0 and 19");
  }
  for (const auto& [name, value] :
       {std::pair{"default_ttl", default_ttl},
        std::pair{"stale_while_revalidate", stale_while_revalidate},
        std::pair{"stale_if_error", stale_if_error}, std::pair{"negative_ttl", negative_ttl}}) {
    if (Status status = NotNegative(name, value); !status.ok()) return status;
  }
  if (negative_ttl > kMaxNegativeTtl) {
    return Invalid("negative_ttl of " + std::to_string(negative_ttl.count()) + " ms is over " +
                   std::to_string(kMaxNegativeTtl.count()));
  }
  return Status::Ok();
}

}  // namespace larder
