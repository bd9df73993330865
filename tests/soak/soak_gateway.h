// SoakGateway: the real larderd on a volume of its own, and what can be done to both.
#pragma once

#include <atomic>
#include <map>
#include <memory>
#include <mutex>
#include <optional>
#include <string>

#include "larderd_process.h"
#include "tmpfs_dir.h"

namespace larder::testing {

// Before any thread is started: what is mounted later is seen, and left over, by nobody else.
// False where that is not allowed.
bool EnterOwnMountNamespace();

// All but url(), life() and the calls of the admin API: by the thread that made it only, for the
// program dies with the thread that started it.
class SoakGateway {
 public:
  // `program`: larderd. `volumes`: its cache may be mounted.
  SoakGateway(const std::string& program, const std::string& upstream, bool volumes);
  ~SoakGateway();

  // Starts it, or starts it again. False, and why, if it did not come up.
  bool Start();
  std::string why_not() const { return why_not_; }
  std::string url() const;
  // Changes with each start.
  int life() const { return life_; }
  pid_t pid() const { return process_->pid(); }
  void Signal(int number) { process_->Signal(number); }
  // As a crash ends it.
  void Kill();
  // As an operator ends it: its exit status, -1 if it had to be killed.
  int Stop();
  bool IsRunning() const;
  // The last lines of its log.
  std::string LastLog() const;

  // Lays `patch` over the configuration file, in one step, as editors do.
  void Configure(const std::string& patch);
  // A file that is no configuration, and the right one again.
  void BreakConfiguration();
  void RestoreConfiguration();

  // Whether it was done; the body of the answer, of a GET.
  std::optional<std::string> Admin(const std::string& method, const std::string& path,
                                   const std::string& body = {}) const;

  bool has_volume() const { return mounted_; }
  // Takes the last byte of the volume.
  void FillVolume();
  void EmptyVolume();
  // No file of the store can be made, nor one be opened to be written.
  void MakeStoreReadOnly();
  void MakeStoreWritable();
  // Changes a byte of one of its files. Not while it runs.
  void DamageStore(std::uint64_t choice);

 private:
  std::string volume() const { return dir_ / "volume"; }
  std::string cache() const { return volume() + "/cache"; }
  std::string config_file() const { return dir_ / "config.json"; }
  void WriteConfiguration(const std::string& text) const;

  const TmpfsDir dir_;
  const std::string program_;
  bool mounted_ = false;
  std::string config_;  // as it should be
  std::unique_ptr<LarderdProcess> process_;
  std::string why_not_;
  std::atomic<int> life_ = 0;
  mutable std::mutex mutex_;
  std::string url_;  // guarded by mutex_
};

}  // namespace larder::testing
