#include "progress.h"

#include <unistd.h>

#include <algorithm>
#include <cstdio>
#include <utility>

namespace larder::cachectl {
namespace {

constexpr std::size_t kBarCells = 24;
constexpr std::chrono::milliseconds kPause{100};

}  // namespace

bool Progress::IsSeen() { return ::isatty(STDERR_FILENO) == 1; }

Progress::Progress(std::string label, std::uint64_t total)
    : label_(std::move(label)), total_(total), on_terminal_(IsSeen()) {}

void Progress::Show(std::uint64_t done, const std::string& what) {
  const auto now = std::chrono::steady_clock::now();
  if (!on_terminal_ || now < next_) return;
  next_ = now + kPause;
  drawn_ = true;
  std::string line = "\r\033[K" + label_ + "  ";
  if (total_ > 0) {
    // A total may be an estimate.
    const double share = std::min(1.0, static_cast<double>(done) / static_cast<double>(total_));
    const auto filled = static_cast<std::size_t>(share * kBarCells);
    line += '[' + std::string(filled, '#') + std::string(kBarCells - filled, '.') + "] " +
            std::to_string(static_cast<int>(share * 100)) + " %  ";
  }
  line += what;
  std::fwrite(line.data(), 1, line.size(), stderr);
}

void Progress::Clear() {
  if (std::exchange(drawn_, false)) std::fputs("\r\033[K", stderr);
}

}  // namespace larder::cachectl
