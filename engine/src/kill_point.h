// KillPoint: named instants between two steps of a write, at which a test may end the process
// (tests/proof/crash_writer.cc). Costs one load of a pointer that nothing else sets.
#pragma once

#include <atomic>

namespace larder {

using KillPointHook = void (*)(const char* name);
// Set once, before any cache is opened.
inline std::atomic<KillPointHook> kill_point_hook{nullptr};

inline void KillPoint(const char* name) {
  if (const KillPointHook hook = kill_point_hook.load(std::memory_order_relaxed)) hook(name);
}

}  // namespace larder
