// MemoryDisk: files in memory that survive a killed process, and forget at a loss of power what
// was not synced. Under RocksDB (memory_file_system.h) and under the journal (disk_journal_files.h)
// at once, so that both lose what one disk would lose at one instant.
#pragma once

#include <cstdint>
#include <functional>
#include <map>
#include <memory>
#include <mutex>
#include <random>
#include <set>
#include <string>
#include <string_view>
#include <thread>
#include <utility>
#include <vector>

namespace larder::testing {

enum class Crash {
  kKill,       // the process ends: all that was written is there, synced or not
  kPowerLoss,  // of what was not synced any part may be there: sectors, and names in order
};

// Thread-safe. A crash does not stop who uses the disk: it takes an image of that instant, on
// which the next process goes on, while the old one may write to the old disk for what it is worth.
class MemoryDisk {
 public:
  struct Inode;
  using File = std::shared_ptr<Inode>;

  explicit MemoryDisk(std::uint64_t seed) : random_(seed) {}
  MemoryDisk(const MemoryDisk&) = delete;
  MemoryDisk& operator=(const MemoryDisk&) = delete;

  std::unique_ptr<MemoryDisk> Image(Crash how);

  struct Arming {
    std::uint64_t operations = 0;  // changes that still happen
    Crash how = Crash::kKill;
    bool this_thread_only = false;  // counts no change made by RocksDB's own threads
    std::function<void()> at_crash = {};
  };
  // Takes the image before a coming change, which may be cut short in it.
  void ArmCrash(Arming arming);
  bool has_crashed() const;
  // Null if the change did not come. Disarms.
  std::unique_ptr<MemoryDisk> TakeCrash();

  // Null: there is none.
  File Find(const std::string& path);
  // Empty; takes the place of what was there.
  File Create(const std::string& path);
  bool Remove(const std::string& path);
  bool Rename(const std::string& from, const std::string& to);
  // Names in `directory` survive loss of power.
  void SyncDirectory(const std::string& directory);
  std::vector<std::string> Children(const std::string& directory);

  std::uint64_t SizeOf(const File& file);
  // Fewer bytes only at the end.
  std::string Read(const File& file, std::uint64_t offset, std::size_t count);
  void Write(const File& file, std::uint64_t offset, std::string_view bytes);
  void Append(const File& file, std::string_view bytes);
  void Truncate(const File& file, std::uint64_t size);
  void Sync(const File& file);

 private:
  // One change of names: null means gone.
  using Change = std::vector<std::pair<std::string, File>>;
  struct Directory {
    std::map<std::string, File> cached;
    std::map<std::string, File> durable;
    std::vector<Change> pending;  // what durable lacks, in order
  };
  using Copies = std::map<Inode*, File>;

  void BeforeChange(const File& file, std::uint64_t offset, std::string_view bytes);
  void ChangeNames(const std::string& directory, Change change);
  std::unique_ptr<MemoryDisk> ImageLocked(Crash how);
  void CopyDirectory(const Directory& from, Directory& to, Crash how, Copies& copies);
  File CopyOf(const File& file, Crash how, Copies& copies);
  void WriteLocked(Inode& file, std::uint64_t offset, std::string_view bytes);
  std::string AfterPowerLoss(const Inode& file);

  mutable std::mutex mutex_;
  // Guarded by mutex_.
  std::mt19937_64 random_;
  std::map<std::string, Directory> directories_;
  bool armed_ = false;
  Arming arming_;
  std::thread::id arming_thread_;
  std::unique_ptr<MemoryDisk> image_;
};

}  // namespace larder::testing
