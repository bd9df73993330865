// P2: what was acknowledged survives `kill -9`; what was invalidated or removed does not come
// back. The oracle lives in this process, outside the one that is killed.
#include <fcntl.h>
#include <gtest/gtest.h>
#include <signal.h>
#include <spawn.h>
#include <sys/wait.h>
#include <unistd.h>

#include <map>
#include <optional>
#include <random>
#include <sstream>
#include <string>
#include <vector>

#include "larder/cache.h"
#include "status_matchers.h"
#include "temp_dir.h"

extern char** environ;

namespace larder {
namespace {

struct Value {
  std::string body;
  std::string tag;
};
using Contents = std::map<std::string, Value>;

std::vector<std::string> SplitTabs(const std::string& line) {
  std::vector<std::string> parts;
  std::stringstream stream(line);
  for (std::string part; std::getline(stream, part, '\t');) parts.push_back(part);
  return parts;
}

void Apply(const std::string& operation, Contents& contents) {
  const std::vector<std::string> parts = SplitTabs(operation);
  if (parts[0] == "+put") {
    contents[parts[1]] = {parts[3], parts[2]};
  } else if (parts[0] == "+remove") {
    contents.erase(parts[1]);
  } else if (parts[0] == "+tag") {
    std::erase_if(contents, [&](const auto& item) { return item.second.tag == parts[1]; });
  } else {
    contents.clear();
  }
}

// Lets the writer run until it has said `lines` lines, kills it, and returns all it said.
std::vector<std::string> RunAndKill(const std::string& directory, int seed, std::size_t lines) {
  int ends[2];
  EXPECT_EQ(::pipe2(ends, O_CLOEXEC), 0);
  posix_spawn_file_actions_t actions;
  posix_spawn_file_actions_init(&actions);
  posix_spawn_file_actions_adddup2(&actions, ends[1], STDOUT_FILENO);
  std::string arguments[] = {LARDER_CRASH_WRITER, directory, std::to_string(seed),
                             std::to_string(seed)};
  char* argv[] = {arguments[0].data(), arguments[1].data(), arguments[2].data(),
                  arguments[3].data(), nullptr};
  pid_t child = 0;
  EXPECT_EQ(::posix_spawn(&child, argv[0], &actions, nullptr, argv, environ), 0);
  posix_spawn_file_actions_destroy(&actions);
  ::close(ends[1]);

  std::string said;
  char buffer[65536];
  bool killed = false;
  for (ssize_t size = 0; (size = ::read(ends[0], buffer, sizeof(buffer))) > 0;) {
    said.append(buffer, static_cast<std::size_t>(size));
    if (!killed && std::count(said.begin(), said.end(), '\n') >= static_cast<long>(lines)) {
      ::kill(child, SIGKILL);
      killed = true;
    }
  }
  ::close(ends[0]);
  int status = 0;
  ::waitpid(child, &status, 0);
  EXPECT_TRUE(WIFSIGNALED(status)) << "the writer ended by itself";

  std::vector<std::string> result;
  std::stringstream stream(said.substr(0, said.rfind('\n') + 1));
  for (std::string line; std::getline(stream, line);) result.push_back(line);
  return result;
}

TEST(CrashTest, KilledAtAnyMomentNothingAcknowledgedIsLostOrResurrected) {
  constexpr int kRounds = 25;
  testing::TempDir dir;
  const std::string directory = dir / "cache";
  std::mt19937_64 random(20261122);
  Contents acknowledged;
  for (int round = 0; round < kRounds; ++round) {
    const std::vector<std::string> said = RunAndKill(directory, round, 100 + random() % 900);
    std::optional<std::string> pending;
    for (const std::string& line : said) {
      if (line == "=") {
        Apply(*pending, acknowledged);
        pending.reset();
      } else {
        pending = line;
      }
    }
    // The operation that was cut off took effect or not.
    Contents possible = acknowledged;
    if (pending.has_value()) Apply(*pending, possible);

    Options options;
    options.directory = directory;
    Result<std::unique_ptr<Cache>> cache = Cache::Open(options);
    ASSERT_OK(cache);
    Contents found;
    for (int i = 0; i < 40; ++i) {
      const std::string key = "key " + std::to_string(i);
      const std::optional<Hit> hit = (*cache)->Get(key);
      const auto is = [&](const Contents& contents) {
        const auto value = contents.find(key);
        if (value == contents.end()) return !hit.has_value();
        return hit.has_value() && hit->entry.body() == value->second.body;
      };
      EXPECT_TRUE(is(acknowledged) || is(possible))
          << "round " << round << ", " << key << ": "
          << (hit.has_value() ? std::string(hit->entry.body().substr(0, 20)) : "MISS");
      if (hit.has_value()) {
        found[key] = {std::string(hit->entry.body()), std::string(hit->entry.tags().at(0))};
      }
    }
    acknowledged = found;
  }
}

}  // namespace
}  // namespace larder
