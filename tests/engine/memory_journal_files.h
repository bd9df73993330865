// MemoryJournalFiles: files that fail when told to and forget what was not synced, as disks do.
#pragma once

#include <cstdint>
#include <functional>
#include <map>
#include <memory>
#include <mutex>
#include <random>
#include <set>
#include <string>

#include "journal_file.h"

namespace larder::testing {

// Thread-safe. A failed sync drops dirty sectors for good although they can still be read (what
// Linux does); loss of power keeps any subset of the dirty ones, and renames whose directory was
// not synced may be undone.
class MemoryJournalFiles final : public JournalFiles {
 public:
  explicit MemoryJournalFiles(std::uint32_t seed = 1) : random_(seed) {}

  Result<std::unique_ptr<JournalFile>> Open(const std::string& path) override;
  Result<std::unique_ptr<JournalFile>> Create(const std::string& path) override;
  Status Remove(const std::string& path) override;
  Status Rename(const std::string& from, const std::string& to) override;
  Status SyncDirectoryOf(const std::string& path) override;

  // The `n`-th operation from now fails (the first is 0), and `more` after it.
  void FailAt(std::uint64_t n, std::uint64_t more = 0);
  void Heal() { FailAt(UINT64_MAX / 2); }
  // Set before anybody uses them.
  void FailWith(Status failure) { failure_ = std::move(failure); }
  bool has_failed() const;
  std::uint64_t operations() const;
  std::uint64_t syncs() const;

  void LosePower();
  // Nullopt-like: empty if there is no such file.
  std::string Read(const std::string& path) const;
  // Both in the cache and on the medium.
  void Write(const std::string& path, std::string bytes);
  bool Exists(const std::string& path) const;
  // Called at the start of each sync, without any lock held.
  void OnSync(std::function<void()> hook) { on_sync_ = std::move(hook); }
  // Reads of the first `bytes` of a file fail as a bad medium does.
  void SpoilReads(std::uint64_t from, std::uint64_t to);

 private:
  class File;
  struct Inode {
    std::string cached;
    std::string durable;
    std::set<std::size_t> dirty;  // sectors
  };
  using Names = std::map<std::string, std::shared_ptr<Inode>>;

  bool Fails();
  void Persist(Inode& inode, std::size_t sector);
  void PersistSome(Inode& inode);

  std::function<void()> on_sync_;  // set before use

  mutable std::mutex mutex_;
  // Guarded by mutex_.
  std::mt19937 random_;
  Names cached_names_;
  Names durable_names_;
  std::uint64_t operations_ = 0;
  std::uint64_t syncs_ = 0;
  std::uint64_t fail_from_ = UINT64_MAX;
  std::uint64_t fail_to_ = UINT64_MAX;
  bool has_failed_ = false;
  Status failure_ = {StatusCode::kUnavailable, "injected fault"};
  std::uint64_t spoilt_from_ = 0;
  std::uint64_t spoilt_to_ = 0;
};

}  // namespace larder::testing
