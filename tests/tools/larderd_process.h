// LarderdProcess: the real program as a child of the test.
#pragma once

#include <sys/types.h>

#include <cstddef>
#include <cstdint>
#include <map>
#include <memory>
#include <string>
#include <string_view>
#include <vector>

#include "temp_dir.h"

namespace larder::testing {

struct Ended {
  int exit_status = -1;  // -1: by a signal
  std::string out;
  std::string err;
};

class LarderdProcess {
 public:
  // Starts `larderd ARGUMENTS`, in `directory`, with an environment of its own. `program`: another
  // file than the one that was built with the test.
  LarderdProcess(const std::string& directory, const std::vector<std::string>& arguments,
                 const std::string& program = {});
  // Kills it if it still runs.
  ~LarderdProcess();
  LarderdProcess(const LarderdProcess&) = delete;
  LarderdProcess& operator=(const LarderdProcess&) = delete;

  // Waits for `listening on URL` and returns the URL; empty if the program ended instead.
  std::string WaitUntilReady();
  void Signal(int number) const;
  // Waits for the end.
  Ended Wait();
  // What it has written to stderr so far.
  std::string ErrorText() const;
  // The most bytes that it ever had in memory.
  std::size_t PeakMemory() const;
  pid_t pid() const { return pid_; }

 private:
  std::string error_file_;
  pid_t pid_ = -1;
  int out_ = -1;
  std::string text_;  // of stdout
};

// A gateway in a directory of its own, before one upstream that serves all providers.
class GatewayFixture {
 public:
  // `upstream` serves the providers "openai", "backup" (of the same dialect, under /backup-base)
  // and "anthropic" (under /claude-base). `more` goes into the configuration: {"cache",
  // R"({"default_ttl": "1h"})"}.
  explicit GatewayFixture(const std::string& upstream,
                          const std::map<std::string, std::string>& more = {},
                          std::vector<std::string> flags = {});

  // Starts it, or starts it again.
  void Start();
  const std::string& url() const { return url_; }
  LarderdProcess& process() { return *process_; }
  const TempDir& directory() const { return directory_; }
  std::string config_file() const { return (directory_ / "config.json"); }
  std::string cache_directory() const { return (directory_ / "data"); }

  // One counter of `GET /v1/stats` on the admin socket, by name or JSON pointer.
  std::uint64_t Counter(const std::string& name) const;
  // Waits until a counter has at least this value; false after a minute.
  bool WaitForCounter(const std::string& name, std::uint64_t value) const;
  // Through the admin socket; true if acknowledged.
  bool InvalidateTag(const std::string& tag) const;

 private:
  TempDir directory_;
  std::vector<std::string> arguments_;
  std::unique_ptr<LarderdProcess> process_;
  std::string url_;
};

}  // namespace larder::testing
