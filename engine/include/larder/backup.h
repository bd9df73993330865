// Backups of a cache, and what can be done with a cache's directory while nobody has it open.
//
// A backup directory holds any number of backups of one cache; what they share is kept once. It is
// made while the cache is in use, by Cache::Backup. It holds the cache's secret: mode 0700.
#pragma once

#include <cstdint>
#include <string>
#include <vector>

#include "larder/clock.h"
#include "larder/result.h"
#include "larder/status.h"

namespace larder {

struct BackupOptions {
  // Created if missing. Not within the cache's directory, nor with backups of another cache in it.
  std::string directory = {};
  // The newest so many are kept, older ones deleted; at least 1.
  std::uint32_t keep = 7;
};

struct BackupInfo {
  std::uint32_t id = 0;  // greater = newer
  // Invalidations and removals acknowledged until then are in the backup; later ones may not be.
  TimePoint known_until{};
  std::uint64_t bytes = 0;  // of the entries' files, shared ones included
};

struct RestoreOptions {
  std::string backup_directory = {};
  std::string cache_directory = {};  // created if missing; what it holds is replaced
  std::uint32_t id = 0;              // 0 = the newest
  // Without this a restore is refused that would bring back what was invalidated or removed since
  // the backup was made. See Restore.
  bool accept_unknown_invalidations = false;
};

struct RestoreReport {
  BackupInfo backup;
  // The replaced cache's invalidations stay in force: nothing of them is lost.
  bool ledger_kept = false;
};

// What a restore would do now.
struct RestoreOutlook {
  BackupInfo backup;
  // As in RestoreReport.
  bool ledger_kept = false;
  // Nothing was removed since the backup that it would bring back. Without this, or without the
  // ledger, Restore is refused unless the options accept it.
  bool removals_known = false;
};

// Oldest first. Errors: kNotFound (no backups there), kUnavailable.
Result<std::vector<BackupInfo>> ListBackups(const std::string& backup_directory);

// Reads every byte of a backup (0 = the newest), and the dictionaries, which all backups share, and
// compares checksums. Errors: kDataLoss, kNotFound, kUnavailable.
Status VerifyBackup(const std::string& backup_directory, std::uint32_t id = 0);

// Puts a backup in the place of the cache in `cache_directory`, which nobody may have open. A
// crash leaves the old cache or the new one; needs room for both.
//
// If the cache that is replaced descends from the same store as the backup, and can be read, its
// ledger stays in force: what was invalidated since the backup stays invalid. Else only what the
// backup knows is in force, and what was invalidated after BackupInfo::known_until would be
// served again. Removals of single keys since the backup are in no ledger: if there may have been
// some, they would be undone; so too if the store was lost since, or the directory put back to
// before the backup. In both cases the restore is refused (kInvalidArgument, saying since when)
// unless `accept_unknown_invalidations` is set; then invalidate what has changed since.
// A cache whose ledger was not kept is another one from then on: its own backups, and those of the
// cache it came from, are of different descent.
// Errors: kInvalidArgument (as said; not a cache's directory), kNotFound (no such backup),
// kUnavailable (held by a process; I/O), kResourceExhausted (no room), kDataLoss (the backup is
// damaged). After an error the old cache is there, unless it says that the next opening finishes
// the restore. One that was cut off is done again, or undone by Destroy, also where there was no
// cache before.
Result<RestoreReport> Restore(const RestoreOptions& options);

// What Restore with these options would meet; changes nothing, but for finishing an earlier restore
// that was cut off. Errors: as Restore's, but for the refusal that it foresees.
Result<RestoreOutlook> ForeseeRestore(const RestoreOptions& options);

// Deletes a cache: what is ours in `directory`, and the directory if nothing else is in it.
// Errors: kNotFound (no directory), kInvalidArgument (no cache there: nothing is deleted),
// kUnavailable (held by a process; I/O).
Status Destroy(const std::string& directory);

}  // namespace larder
