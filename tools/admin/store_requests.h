// The part of the admin API that is about the store as a whole: backing it up, checking it,
// reclaiming space.
#pragma once

#include <mutex>

#include "admin_request.h"
#include "larder/cache.h"

namespace larder::admin {

inline constexpr std::string_view kBackupPath = "/v1/backup";
inline constexpr std::string_view kCompactPath = "/v1/compact";
inline constexpr std::string_view kVerifyPath = "/v1/verify";
inline constexpr std::string_view kDictionariesPath = "/v1/dictionaries";

// POST /v1/backup {"directory", "keep"}. The directory is absolute: it is the process that holds
// the cache that writes there. Answers when the backup is complete, as BackupToJson says.
AdminAnswer HandleBackup(Cache& cache, const AdminRequest& request);

// How far the compaction has come that was asked for last. Thread-safe.
class CompactionBoard {
 public:
  struct Snapshot {
    bool running = false;
    CompactStep step;
  };
  void Begin();
  void Note(const CompactStep& step);
  void End();
  Snapshot Look() const;

 private:
  mutable std::mutex mutex_;
  // Guarded by mutex_.
  int running_ = 0;
  CompactStep step_;
};

// POST /v1/compact: answers when it is done, {"compacted", "entries_before", "entries"}.
// GET: {"running", "done_bytes", "total_bytes"} of the one that runs, or of the last.
AdminAnswer HandleCompact(Cache& cache, CompactionBoard& board, const AdminRequest& request);
// GET /v1/verify?cursor=: reads a page of rows, bodies and all. {"entries", "raw_bytes", "corrupt",
// "cursor"}.
AdminAnswer HandleVerify(Cache& cache, const AdminRequest& request);

// GET /v1/dictionaries: {"dictionaries": [{"id", "bytes", "writing", "files"}]}, oldest first.
// POST: trains one now. {"adopted", "samples", "raw_bytes", "current_bytes", "trained_bytes"}.
AdminAnswer HandleDictionaries(Cache& cache, const AdminRequest& request);

// {"id", "known_until_unix_ms", "bytes"}
std::string BackupToJson(const BackupInfo& backup);

}  // namespace larder::admin
