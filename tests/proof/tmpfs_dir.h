// TmpfsDir: a directory of a test's own in memory, where a sync costs nothing; gone at its end.
// In $LARDER_TMPFS, if that is set: who kills tests can tidy up after them.
#pragma once

#include <stdlib.h>

#include <cstdlib>
#include <filesystem>
#include <string>

namespace larder::testing {

class TmpfsDir {
 public:
  TmpfsDir() {
    const char* chosen = std::getenv("LARDER_TMPFS");
    const std::filesystem::path shared = chosen != nullptr ? chosen : "/dev/shm";
    std::error_code ignored;
    const bool has_shared = std::filesystem::is_directory(shared, ignored);
    path_ = ((has_shared ? shared : std::filesystem::temp_directory_path()) / "larder-proof-XXXXXX")
                .string();
    ::mkdtemp(path_.data());
  }
  ~TmpfsDir() {
    std::error_code ignored;
    std::filesystem::remove_all(path_, ignored);
  }
  TmpfsDir(const TmpfsDir&) = delete;
  TmpfsDir& operator=(const TmpfsDir&) = delete;

  std::string operator/(const std::string& name) const { return path_ + "/" + name; }

 private:
  std::string path_;
};

}  // namespace larder::testing
