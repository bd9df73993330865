#include "larder/health.h"

namespace larder {

std::string_view HealthStateName(HealthState state) {
  switch (state) {
    case HealthState::kServing: return "serving";
    case HealthState::kDegraded: return "degraded";
    case HealthState::kReopening: return "reopening";
    case HealthState::kClosed: return "closed";
  }
  return "unknown";
}

std::string_view HealthReasonName(HealthReason reason) {
  switch (reason) {
    case HealthReason::kNone: return "none";
    case HealthReason::kDiskFull: return "disk_full";
    case HealthReason::kIoError: return "io_error";
    case HealthReason::kHangingDisk: return "hanging_disk";
    case HealthReason::kCorruption: return "corruption";
    case HealthReason::kJournal: return "journal";
  }
  return "unknown";
}

}  // namespace larder
