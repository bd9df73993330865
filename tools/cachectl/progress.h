// Progress: how far a long verb has come, on a terminal only.
#pragma once

#include <chrono>
#include <cstdint>
#include <string>

namespace larder::cachectl {

// One line on stderr, drawn anew a few times a second; gone at the end.
class Progress {
 public:
  // Whether anybody would see it.
  static bool IsSeen();

  // `total` of the same unit as Show's `done`; 0 = not known: then there is no bar.
  Progress(std::string label, std::uint64_t total);
  Progress(const Progress&) = delete;
  Progress& operator=(const Progress&) = delete;
  ~Progress() { Clear(); }

  // `what` stands beside the bar: "1,234 entries".
  void Show(std::uint64_t done, const std::string& what);
  void Clear();

 private:
  const std::string label_;
  const std::uint64_t total_;
  const bool on_terminal_;
  bool drawn_ = false;
  std::chrono::steady_clock::time_point next_{};
};

}  // namespace larder::cachectl
