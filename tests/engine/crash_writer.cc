// A process to be killed: writes to a cache and says, line by line and unbuffered, what it is
// about to do ("+ ...") and what was acknowledged ("="). Run by crash_test.cc.
#include <unistd.h>

#include <cstdio>
#include <cstdlib>
#include <random>
#include <string>

#include "larder/cache.h"

namespace {

void Say(const std::string& line) {
  if (::write(STDOUT_FILENO, line.data(), line.size()) != static_cast<ssize_t>(line.size())) {
    std::_Exit(3);
  }
}

}  // namespace

int main(int argc, char** argv) {
  if (argc != 4) return 2;
  larder::Options options;
  options.directory = argv[1];
  auto cache = larder::Cache::Open(options);
  if (!cache.ok()) {
    std::fprintf(stderr, "%s\n", cache.status().ToString().c_str());
    return 1;
  }
  std::mt19937_64 random(std::strtoull(argv[2], nullptr, 10));
  const std::string round = argv[3];
  for (int i = 0;; ++i) {
    const int index = static_cast<int>(random() % 40);
    const std::string key = "key " + std::to_string(index);
    const std::string tag = "tag " + std::to_string(index % 5);
    const unsigned dice = random() % 20;
    if (dice < 15) {
      const std::string value = round + "." + std::to_string(i) + std::string(random() % 3000, '.');
      Say("+put\t" + key + "\t" + tag + "\t" + value + "\n");
      if (!(*cache)->Put(key, value, {.tags = {tag}}).ok()) return 1;
    } else if (dice < 18) {
      Say("+remove\t" + key + "\n");
      if (!(*cache)->Remove(key).ok()) return 1;
    } else if (dice < 19 || i % 50 != 0) {
      Say("+tag\t" + tag + "\n");
      if (!(*cache)->Invalidate({.tags = {tag}}).ok()) return 1;
    } else {
      Say("+all\n");
      if (!(*cache)->Invalidate({.all = true}).ok()) return 1;
    }
    Say("=\n");
  }
}
