#include "soak_tally.h"

#include <cstdio>
#include <ctime>

namespace larder::testing {

void SoakTally::Find(const std::string& what) {
  constexpr std::uint64_t kMostAlike = 10;
  constexpr std::size_t kFirstWords = 16;
  const std::lock_guard lock(mutex_);
  ++findings_;
  if (++alike_[what.substr(0, kFirstWords)] > kMostAlike) return;
  std::printf("%s FINDING: %s\n", SoakTimeOfDay().c_str(), what.c_str());
  std::fflush(stdout);
}

std::uint64_t SoakTally::findings() const {
  const std::lock_guard lock(mutex_);
  return findings_;
}

std::string SoakTimeOfDay() {
  const std::time_t now = std::time(nullptr);
  std::tm utc{};
  ::gmtime_r(&now, &utc);
  char text[16];
  std::strftime(text, sizeof text, "%H:%M:%S", &utc);
  return text;
}

}  // namespace larder::testing
