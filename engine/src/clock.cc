#include "larder/clock.h"

#include <ctime>
#include <fstream>

namespace larder {
namespace {

Duration Read(clockid_t clock) {
  timespec now{};
  ::clock_gettime(clock, &now);
  return std::chrono::duration_cast<Duration>(std::chrono::seconds(now.tv_sec) +
                                              std::chrono::nanoseconds(now.tv_nsec));
}

class SystemClock final : public Clock {
 public:
  TimePoint Wall() const override { return TimePoint(Read(CLOCK_REALTIME)); }
  Duration SinceBoot() const override { return Read(CLOCK_BOOTTIME); }
  std::string BootId() const override {
    std::string id;
    std::getline(std::ifstream("/proc/sys/kernel/random/boot_id"), id);
    return id;
  }
};

}  // namespace

const Clock& Clock::System() {
  static const SystemClock clock;
  return clock;
}

}  // namespace larder
