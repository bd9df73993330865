// Journal: invalidations on disk. A file of its own, preallocated, so that one more record is one
// write in place and one fdatasync, and needs no space on a full disk. Places that hold no record
// yet are marked as free, checksum and all: a zeroed block is damage, not the end.
//
// Layout (docs/format.md): two copies of a header, one a block of 4 KiB, then cells of 32 bytes:
// one a record, and one more for each 8 bytes of its prefix. The header holds what must not be lost
// with any record: the bound under which numbers may have been given out, and the mark of the
// store's latest synced write. The copies are written in turn, so that a torn write leaves
// one; the bound is in both before it is used.
//
// Whatever is not exactly as it was written is damage: a reader learns of it and raises the floor.
// After a failed write or sync nothing more is written to that file (a second fdatasync would
// report success for pages that the first one lost); Rewrite makes a new one from memory.
#pragma once

#include <cstdint>
#include <functional>
#include <memory>
#include <span>
#include <string>

#include "journal_file.h"
#include "larder/clock.h"
#include "larder/result.h"
#include "store_mark.h"

namespace larder {

enum class JournalKind : std::uint32_t {
  kTag = 1,      // value: the tag's hash
  kFloor = 2,    // value: 0
  kPrefix = 3,   // value: 0; `prefix`, 1 to kMaxKeyBytes
  kSoftTag = 4,  // the same, ending freshness only
  kSoftFloor = 5,
  kSoftPrefix = 6,
};

struct JournalRecord {
  std::uint64_t number = 0;
  std::uint64_t value = 0;
  JournalKind kind = JournalKind::kTag;
  std::string prefix = {};
  TimePoint time{};  // the epoch: not known

  friend bool operator==(const JournalRecord&, const JournalRecord&) = default;
};

// Cells that the records take.
std::size_t CellCount(std::span<const JournalRecord> records);

struct JournalHeader {
  std::uint64_t number_bound = 0;  // numbers given out are below
  StoreMark mark = {};             // of the store's latest synced write

  friend bool operator==(const JournalHeader&, const JournalHeader&) = default;
};

struct JournalContents {
  bool found = false;
  // Empty, or what is wrong: some records may be missing.
  std::string damage;
  // Zero if nothing of the header could be read.
  JournalHeader header;
};

// One thread at a time. Errors are kUnavailable, or kResourceExhausted where the volume is full.
class Journal {
 public:
  using RecordSink = std::function<void(const JournalRecord&)>;
  // Hands everything that is live to the sink.
  using Snapshot = std::function<void(const RecordSink&)>;

  // `files` must outlive this. A new journal has room for at least `room` cells.
  Journal(JournalFiles& files, std::string path, std::uint64_t room);
  ~Journal();
  Journal(const Journal&) = delete;
  Journal& operator=(const Journal&) = delete;

  // Of so many prefixes with so many bytes together.
  static std::uint64_t MostCells(std::uint64_t prefixes, std::uint64_t bytes);
  // What a file takes that Rewrite makes of so many live cells.
  static std::uint64_t BytesAfterRewrite(std::uint64_t cells, std::uint64_t room);

  // Reads the file, handing each good record to `sink`. To be called once, first.
  Result<JournalContents> Read(const RecordSink& sink);

  // False before the first Rewrite or undamaged Read of a file of this version, and after any
  // failure of Append or Rewrite.
  bool usable() const { return file_ != nullptr; }
  // Makes it unusable until the next Rewrite; the file stays.
  void Discard() { file_.reset(); }
  bool HasRoomFor(std::span<const JournalRecord> records) const {
    return used_ + CellCount(records) <= capacity_;
  }
  // As last written and synced.
  const JournalHeader& header() const { return header_; }

  // Writes and syncs. Only if usable, and there is room.
  Status Append(std::span<const JournalRecord> records, const JournalHeader& header);
  // Replaces the file by a new one with what is live. The old one stays until all is synced.
  Status Rewrite(const JournalHeader& header, const Snapshot& snapshot);

 private:
  Result<JournalContents> ReadFile(const RecordSink& sink);
  Status ReadHeaders(JournalContents& contents);
  Status ReadRecords(std::uint64_t size, const RecordSink& sink, JournalContents& contents);
  Status TryAppend(std::span<const JournalRecord> records, const JournalHeader& header);
  Status WriteHeaderCopy(JournalFile& file, const JournalHeader& header);
  Status WriteNew(JournalFile& file, const JournalHeader& header, const Snapshot& snapshot);

  std::string NewPath() const { return path_ + ".new"; }

  // Constant after construction.
  JournalFiles& files_;
  const std::string path_;
  const std::uint64_t room_;

  std::unique_ptr<JournalFile> file_;  // null: not usable
  JournalHeader header_;
  std::uint64_t version_ = 0;   // of the file
  std::uint64_t updates_ = 0;   // header copies written so far: odd and even ones in turn
  std::uint64_t capacity_ = 0;  // cells that fit
  std::uint64_t used_ = 0;
};

}  // namespace larder
