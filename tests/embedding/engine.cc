#include <iostream>

#include "larder/cache.h"

int main() {
  auto cache = larder::Cache::Open({.directory = "things"});
  if (!cache.ok()) return std::cerr << cache.status().ToString() << '\n', 1;

  // Of any number of threads that ask at once, one computes; all get its value, or its error.
  const auto compute = []() -> larder::Result<larder::Computed> {
    std::cout << "computing\n";
    return larder::Computed{.body = "42", .options = {.ttl = std::chrono::hours(1), .tags = {"t"}}};
  };
  for (int i = 0; i < 2; ++i) {
    auto entry = (*cache)->GetOrCompute("answer", {}, compute);
    if (!entry.ok()) return std::cerr << entry.status().ToString() << '\n', 1;
    std::cout << entry->body() << '\n';
  }

  // One small synced write, whatever it covers; from here on it is a miss, also after a crash.
  if (!(*cache)->Invalidate({.tags = {"t"}}).ok()) return 1;
  std::cout << ((*cache)->Get("answer") ? "hit" : "miss") << '\n';
}
