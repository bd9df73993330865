#include "journal.h"

#include <xxhash.h>

#include <algorithm>
#include <array>
#include <cstring>
#include <utility>

#include "kill_point.h"
#include "larder/options.h"
#include "little_endian.h"

namespace larder {
namespace {

constexpr std::uint64_t kMagic = 0x314c4e524a52444c;  // "LDRJRNL1"
// Version 1 had zeros in the places that were free, and neither it nor 2 said which logs the store
// had. They are read, and then written anew.
constexpr std::uint64_t kFormatVersion = 3;
// A copy fills its own block, so that no write touches both.
constexpr std::uint64_t kHeaderBlock = 4096;
constexpr std::size_t kHeaderBytes = 64 + 8 * StoreMark::kMostLogs;
constexpr std::size_t kHeaderBytesBefore3 = 56;
constexpr std::uint64_t kCellsAt = 2 * kHeaderBlock;
constexpr std::size_t kCellBytes = 32;
constexpr std::size_t kChunkBytes = std::size_t{256} * 1024;  // a multiple of kCellBytes
static_assert(kChunkBytes % kCellBytes == 0);

// A header copy: magic, version, updates, number bound, synced sequence, capacity, the log that is
// gone, those that are not, checksum.
struct HeaderCopy {
  JournalHeader header = {};
  std::uint64_t version = kFormatVersion;
  std::uint64_t updates = 0;
  std::uint64_t capacity = 0;
};

std::string EncodeHeader(const HeaderCopy& copy) {
  std::string bytes;
  bytes.reserve(kHeaderBytes);
  const auto put = [&bytes](std::uint64_t field) {
    char fixed[8];
    PutFixed(fixed, field, sizeof(fixed));
    bytes.append(fixed, sizeof(fixed));
  };
  const StoreMark& mark = copy.header.mark;
  for (const std::uint64_t field : {kMagic, kFormatVersion, copy.updates, copy.header.number_bound,
                                    mark.sequence, copy.capacity, mark.gone}) {
    put(field);
  }
  for (const std::uint64_t log : mark.logs) put(log);
  put(XXH3_64bits(bytes.data(), bytes.size()));
  return bytes;
}

bool DecodeHeader(std::string_view bytes, HeaderCopy& copy) {
  if (bytes.size() < kHeaderBytes) return false;
  const auto field = [&](std::size_t index) { return GetFixed(bytes.data() + 8 * index, 8); };
  copy.version = field(1);
  if (field(0) != kMagic || copy.version == 0 || copy.version > kFormatVersion) return false;
  const std::size_t size = (copy.version < 3 ? kHeaderBytesBefore3 : kHeaderBytes) - 8;
  if (field(size / 8) != XXH3_64bits(bytes.data(), size)) return false;
  copy.updates = field(2);
  copy.header = {.number_bound = field(3), .mark = {.sequence = field(4)}};
  copy.capacity = field(5);
  if (copy.version < 3) return true;
  copy.header.mark.gone = field(6);
  for (std::size_t i = 0; i < StoreMark::kMostLogs; ++i) copy.header.mark.logs[i] = field(7 + i);
  return true;
}

// One cell of the file. The first of a record has its kind and, in the bytes above, its time; for a
// prefix its value is the prefix's size, and cells of kind kPrefixBytes follow.
struct Cell {
  std::uint64_t number = 0;
  std::uint64_t value = 0;
  std::uint64_t kind = 0;
};
constexpr std::uint64_t kPrefixBytes = 7;
constexpr std::uint64_t kKindMask = 0xff;
constexpr unsigned kTimeShift = 8;
constexpr std::size_t kBytesPerCell = 8;

constexpr bool HasPrefix(JournalKind kind) {
  return kind == JournalKind::kPrefix || kind == JournalKind::kSoftPrefix;
}

std::size_t CellsOf(const JournalRecord& record) {
  return 1 + (record.prefix.size() + kBytesPerCell - 1) / kBytesPerCell;
}

// The checksum covers the cell's place too: a cell that was written elsewhere is damage.
std::uint64_t CellChecksum(const char* bytes, std::uint64_t index) {
  return XXH3_64bits_withSeed(bytes, kCellBytes - 8, index);
}

void EncodeCell(const Cell& cell, std::uint64_t index, char* out) {
  PutFixed(out, cell.number, 8);
  PutFixed(out + 8, cell.value, 8);
  PutFixed(out + 16, cell.kind, 8);
  PutFixed(out + 24, CellChecksum(out, index), 8);
}

bool DecodeCell(const char* bytes, std::uint64_t index, Cell& cell) {
  if (GetFixed(bytes + 24, 8) != CellChecksum(bytes, index)) return false;
  cell = {.number = GetFixed(bytes, 8),
          .value = GetFixed(bytes + 8, 8),
          .kind = GetFixed(bytes + 16, 8)};
  const std::uint64_t kind = cell.kind & kKindMask;
  if (cell.number == 0 || kind == 0 || kind > kPrefixBytes) return false;
  return kind == kPrefixBytes || !HasPrefix(static_cast<JournalKind>(kind)) ||
         (cell.value > 0 && cell.value <= kMaxKeyBytes);
}

// What stands where no cell is yet.
void EncodeFree(std::uint64_t index, char* out) { EncodeCell({}, index, out); }

bool IsFree(const char* bytes, std::uint64_t index, std::uint64_t version) {
  char free[kCellBytes] = {};
  if (version != 1) EncodeFree(index, free);
  return std::memcmp(bytes, free, kCellBytes) == 0;
}

// Calls `write` for each cell of the record, in order.
template <typename Write>
void ForEachCell(const JournalRecord& record, const Write& write) {
  const auto time = static_cast<std::uint64_t>(record.time.time_since_epoch().count());
  write(Cell{.number = record.number,
             .value = HasPrefix(record.kind) ? record.prefix.size() : record.value,
             .kind = static_cast<std::uint64_t>(record.kind) | time << kTimeShift});
  for (std::size_t at = 0; at < record.prefix.size(); at += kBytesPerCell) {
    const std::size_t size = std::min(kBytesPerCell, record.prefix.size() - at);
    write(Cell{.number = record.number,
               .value = GetFixed(record.prefix.data() + at, size),
               .kind = kPrefixBytes});
  }
}

// Cells -> records. A prefix without all of its bytes was never acknowledged, unless there is
// damage as well: it is left out.
class RecordReader {
 public:
  explicit RecordReader(const Journal::RecordSink& sink) : sink_(sink) {}

  void Add(const Cell& cell) {
    if ((cell.kind & kKindMask) == kPrefixBytes) return AddBytes(cell);
    missing_ = 0;
    record_ = {.number = cell.number,
               .value = cell.value,
               .kind = static_cast<JournalKind>(cell.kind & kKindMask),
               .prefix = {},
               .time = TimePoint(Duration(static_cast<Duration::rep>(cell.kind >> kTimeShift)))};
    if (!HasPrefix(record_.kind)) return sink_(record_);
    missing_ = std::exchange(record_.value, 0);
  }
  void Skip() { missing_ = 0; }

 private:
  void AddBytes(const Cell& cell) {
    if (missing_ == 0 || cell.number != record_.number) return Skip();
    char bytes[kBytesPerCell];
    PutFixed(bytes, cell.value, kBytesPerCell);
    const std::size_t size = std::min<std::uint64_t>(missing_, kBytesPerCell);
    record_.prefix.append(bytes, size);
    missing_ -= size;
    if (missing_ == 0) sink_(record_);
  }

  const Journal::RecordSink& sink_;
  JournalRecord record_;
  std::uint64_t missing_ = 0;  // bytes of its prefix
};

// In proportion to what is live, so that rewriting stays a constant cost a record.
std::uint64_t RoomBeside(std::uint64_t live, std::uint64_t least) {
  return std::max(least, live / 2);
}

std::uint64_t SizeFor(std::uint64_t capacity) { return kCellsAt + capacity * kCellBytes; }

// Writes cells to a file one after the other, in chunks.
class CellWriter {
 public:
  explicit CellWriter(JournalFile& file) : file_(file) { chunk_.reserve(kChunkBytes); }

  void Add(const JournalRecord& record) {
    ForEachCell(record, [this](const Cell& cell) {
      char bytes[kCellBytes];
      EncodeCell(cell, written_++, bytes);
      AddBytes(bytes);
    });
  }
  void AddFree(std::uint64_t count) {
    char bytes[kCellBytes];
    for (std::uint64_t i = 0; i < count && status_.ok(); ++i) {
      EncodeFree(written_ + i, bytes);
      AddBytes(bytes);
    }
  }
  Status Finish() {
    Flush();
    return status_;
  }
  std::uint64_t written() const { return written_; }

 private:
  void AddBytes(const char* bytes) {
    chunk_.append(bytes, kCellBytes);
    if (chunk_.size() == kChunkBytes) Flush();
  }
  void Flush() {
    if (status_.ok()) status_ = file_.WriteAt(offset_, chunk_);
    offset_ += chunk_.size();
    chunk_.clear();
  }

  JournalFile& file_;
  std::string chunk_;
  std::uint64_t offset_ = kCellsAt;
  std::uint64_t written_ = 0;
  Status status_;
};

}  // namespace

std::size_t CellCount(std::span<const JournalRecord> records) {
  std::size_t cells = 0;
  for (const JournalRecord& record : records) cells += CellsOf(record);
  return cells;
}

Journal::Journal(JournalFiles& files, std::string path, std::uint64_t room)
    : files_(files), path_(std::move(path)), room_(std::max<std::uint64_t>(room, 1)) {}

Journal::~Journal() = default;

Result<JournalContents> Journal::Read(const RecordSink& sink) {
  static_cast<void>(files_.Remove(NewPath()));  // of a Rewrite that a crash cut off
  Result<std::unique_ptr<JournalFile>> opened = files_.Open(path_);
  if (opened.status().code() == StatusCode::kNotFound) return JournalContents{};
  if (!opened.ok()) return opened.status();
  file_ = *std::move(opened);
  Result<JournalContents> contents = ReadFile(sink);
  // The last process may have been killed between its rename and the sync of the directory. Then a
  // loss of power would take the file back, with all that is appended to it from now on.
  const bool lasting = files_.SyncDirectoryOf(path_).ok();
  if (!contents.ok() || !contents->damage.empty() || version_ != kFormatVersion || !lasting) {
    file_.reset();
  }
  return contents;
}

Result<JournalContents> Journal::ReadFile(const RecordSink& sink) {
  JournalContents contents{.found = true, .damage = {}, .header = {}};
  Result<std::uint64_t> size = file_->Size();
  if (!size.ok()) return size.status();
  if (Status status = ReadHeaders(contents); !status.ok()) return status;
  if (contents.damage.empty() && *size != SizeFor(capacity_)) {
    contents.damage = "is " + std::to_string(*size) + " bytes long instead of " +
                      std::to_string(SizeFor(capacity_));
  }
  if (Status status = ReadRecords(*size, sink, contents); !status.ok()) return status;
  return contents;
}

// The newer of two good copies counts. With one of them bad, its bound is good (both have it),
// but a later note of the store's sequence may have been in the other.
Status Journal::ReadHeaders(JournalContents& contents) {
  int good = 0;
  for (std::uint64_t i = 0; i < 2; ++i) {
    Result<std::string> bytes = file_->ReadAt(i * kHeaderBlock, kHeaderBytes);
    if (!bytes.ok() && bytes.status().code() != StatusCode::kDataLoss) return bytes.status();
    HeaderCopy copy;
    if (!bytes.ok() || !DecodeHeader(*bytes, copy) || copy.updates % 2 != i) continue;
    ++good;
    if (copy.updates <= updates_) continue;
    version_ = copy.version;
    updates_ = copy.updates;
    capacity_ = copy.capacity;
    header_ = copy.header;
  }
  if (good < 2) contents.damage = good == 1 ? "has a bad header copy" : "has no good header";
  contents.header = header_;
  return Status::Ok();
}

Status Journal::ReadRecords(std::uint64_t size, const RecordSink& sink, JournalContents& contents) {
  RecordReader reader(sink);
  std::uint64_t index = 0;
  for (std::uint64_t at = kCellsAt; at + kCellBytes <= size; at += kChunkBytes) {
    Result<std::string> chunk = file_->ReadAt(at, kChunkBytes);
    if (chunk.status().code() == StatusCode::kDataLoss) {
      contents.damage = "cannot be read: " + chunk.status().message();
      index += kChunkBytes / kCellBytes;
      reader.Skip();
      continue;
    }
    if (!chunk.ok()) return chunk.status();
    for (std::size_t i = 0; i + kCellBytes <= chunk->size(); i += kCellBytes, ++index) {
      const char* bytes = chunk->data() + i;
      if (IsFree(bytes, index, version_)) continue;
      Cell cell;
      const bool good = DecodeCell(bytes, index, cell);
      good ? reader.Add(cell) : reader.Skip();
      // Records stand one after the other: a gap is a record that is gone.
      if (good && index == used_) {
        ++used_;
      } else if (contents.damage.empty()) {
        contents.damage = "has a bad record at " + std::to_string(used_);
      }
    }
  }
  return Status::Ok();
}

Status Journal::Append(std::span<const JournalRecord> records, const JournalHeader& header) {
  Status status = TryAppend(records, header);
  if (!status.ok()) file_.reset();
  return status;
}

Status Journal::TryAppend(std::span<const JournalRecord> records, const JournalHeader& header) {
  if (!records.empty()) {
    std::string bytes(CellCount(records) * kCellBytes, '\0');
    std::uint64_t index = used_;
    for (const JournalRecord& record : records) {
      ForEachCell(record, [&](const Cell& cell) {
        EncodeCell(cell, index, bytes.data() + (index - used_) * kCellBytes);
        ++index;
      });
    }
    Status status = file_->WriteAt(kCellsAt + used_ * kCellBytes, bytes);
    if (!status.ok()) return status;
  }
  KillPoint("journal records written");
  const bool new_bound = header.number_bound != header_.number_bound;
  if (header != header_) {
    if (Status status = WriteHeaderCopy(*file_, header); !status.ok()) return status;
  }
  KillPoint("journal header written");
  if (Status status = file_->Sync(); !status.ok()) return status;
  KillPoint("journal synced");
  used_ += CellCount(records);
  // The bound must survive the loss of either copy; synced one by one, as one may be torn.
  if (new_bound) {
    if (Status status = WriteHeaderCopy(*file_, header); !status.ok()) return status;
    if (Status status = file_->Sync(); !status.ok()) return status;
  }
  header_ = header;
  return Status::Ok();
}

Status Journal::WriteHeaderCopy(JournalFile& file, const JournalHeader& header) {
  ++updates_;
  return file.WriteAt((updates_ % 2) * kHeaderBlock,
                      EncodeHeader({.header = header, .updates = updates_, .capacity = capacity_}));
}

std::uint64_t Journal::MostCells(std::uint64_t prefixes, std::uint64_t bytes) {
  return 2 * prefixes + bytes / kBytesPerCell;
}

std::uint64_t Journal::BytesAfterRewrite(std::uint64_t cells, std::uint64_t room) {
  return SizeFor(cells + RoomBeside(cells, room));
}

Status Journal::Rewrite(const JournalHeader& header, const Snapshot& snapshot) {
  file_.reset();
  const std::string new_path = NewPath();
  Result<std::unique_ptr<JournalFile>> created = files_.Create(new_path);
  if (!created.ok()) return created.status();
  Status status = WriteNew(**created, header, snapshot);
  KillPoint("new journal written");
  if (status.ok()) status = files_.Rename(new_path, path_);
  KillPoint("new journal renamed");
  // Until the directory is synced the old file may be the one that a crash leaves, so nothing
  // may be acknowledged that is only in the new one.
  if (status.ok()) status = files_.SyncDirectoryOf(path_);
  if (!status.ok()) {
    static_cast<void>(files_.Remove(new_path));  // only its space matters
    return status;
  }
  file_ = *std::move(created);
  header_ = header;
  return Status::Ok();
}

Status Journal::WriteNew(JournalFile& file, const JournalHeader& header, const Snapshot& snapshot) {
  CellWriter writer(file);
  snapshot([&writer](const JournalRecord& record) { writer.Add(record); });
  used_ = writer.written();
  version_ = kFormatVersion;
  const std::uint64_t room = RoomBeside(used_, room_);
  capacity_ = used_ + room;
  writer.AddFree(room);
  if (Status status = writer.Finish(); !status.ok()) return status;
  for (int copy = 0; copy < 2; ++copy) {
    if (Status status = WriteHeaderCopy(file, header); !status.ok()) return status;
  }
  return file.Sync();
}

}  // namespace larder
