// SyncFaults: sees, and fails as told, what this process syncs on the real disk. It takes the place
// of fsync and fdatasync in the program that is linked with it.
#pragma once

#include <map>
#include <set>
#include <string>

namespace larder::testing {

// One at a time. Its members may be called from any thread.
class SyncFaults {
 public:
  SyncFaults();
  ~SyncFaults();
  SyncFaults(const SyncFaults&) = delete;
  SyncFaults& operator=(const SyncFaults&) = delete;

  // From now on every sync of this file or directory fails with EIO, until Heal.
  void Fail(const std::string& path);
  void Heal();
  // From now on no sync waits for the disk: for a test that has very many and cuts no power.
  void Skip();
  // Whether it was there when the directory that it is in was last synced with success, since this
  // was made or told to forget: what a disk must keep when it loses power.
  bool Lasts(const std::string& path) const;
  void Forget();

 private:
  friend int Sync(int fd, long call);
  std::set<std::string> failing_;
  bool skip_ = false;
  std::map<std::string, std::set<std::string>> names_;  // of directories, when last synced
};

}  // namespace larder::testing
