#include "store_files.h"

#include <rocksdb/env.h>

#include <algorithm>
#include <cstddef>
#include <cstdint>
#include <cstdlib>
#include <memory>
#include <string_view>
#include <vector>

#include "crc32c.h"
#include "little_endian.h"
#include "rocks_status.h"

namespace larder {
namespace {

// RocksDB's log format: records in blocks, none across two, each behind a checksum, its length and
// its type; where a block has no room for these it ends with zeros.
constexpr std::size_t kLogBlock = 32'768;
constexpr std::size_t kHeader = 7;
constexpr std::size_t kLengthAt = 4;
constexpr std::size_t kTypeAt = 6;
constexpr std::uint64_t kLastType = 4;  // a record, or its first, a middle or its last part

bool IsZeros(std::string_view bytes) {
  return std::all_of(bytes.begin(), bytes.end(), [](char c) { return c == '\0'; });
}

// Whether a whole record is at the beginning of these, which are of one block.
bool HasRecord(std::string_view bytes) {
  if (bytes.size() < kHeader) return false;
  const std::size_t length = GetFixed(bytes.data() + kLengthAt, 2);
  const std::uint64_t type = GetFixed(bytes.data() + kTypeAt, 1);
  if (type == 0 || type > kLastType || length > bytes.size() - kHeader) return false;
  const std::uint32_t crc = GetFixed(bytes.data(), 4);
  return crc == MaskedCrc32c(bytes.substr(kTypeAt, 1 + length));
}

bool HasRecordAnywhere(std::string_view log, std::size_t from) {
  for (std::size_t at = from; at + kHeader <= log.size(); ++at) {
    if (HasRecord(log.substr(at, kLogBlock - at % kLogBlock))) return true;
  }
  return false;
}

// RocksDB passes over the rest of a block where it finds zeros instead of a record, without a word:
// so does it forget a table, and with it the removals in there. Where no record follows they are
// what a crash left. Records that are damaged otherwise are left to RocksDB.
bool HasZeroedRecords(std::string_view log) {
  std::size_t at = 0;
  while (at + kHeader <= log.size()) {
    const std::size_t left = kLogBlock - at % kLogBlock;
    if (left < kHeader) {
      at += left;
      continue;
    }
    const std::string_view header = log.substr(at, kHeader);
    if (IsZeros(header.substr(kLengthAt))) return HasRecordAnywhere(log, at + kHeader);
    at += kHeader + GetFixed(header.data() + kLengthAt, 2);
  }
  return false;
}

// Errors of reading it are RocksDB's to report.
Status CheckManifest(rocksdb::Env& env, const std::string& path) {
  std::string name;
  if (!rocksdb::ReadFileToString(&env, path + "/CURRENT", &name).ok()) return Status::Ok();
  while (!name.empty() && name.back() == '\n') name.pop_back();
  if (!name.starts_with("MANIFEST-") || name.find('/') != std::string::npos) return Status::Ok();
  const std::string manifest = path + "/" + name;
  std::string bytes;
  if (!rocksdb::ReadFileToString(&env, manifest, &bytes).ok()) return Status::Ok();
  if (!HasZeroedRecords(bytes)) return Status::Ok();
  return {StatusCode::kDataLoss, manifest + ": zeros where a record should begin"};
}

bool IsHeadless(rocksdb::Env& env, const std::string& log) {
  std::unique_ptr<rocksdb::SequentialFile> file;
  if (!env.NewSequentialFile(log, &file, {}).ok()) return false;
  char scratch[kHeader];
  rocksdb::Slice header;
  if (!file->Read(kHeader, &header, scratch).ok()) return false;
  if (header.size() < kHeader || !IsZeros(header.ToStringView().substr(kLengthAt))) return false;
  std::string bytes;
  return rocksdb::ReadFileToString(&env, log, &bytes).ok() && HasZeroedRecords(bytes);
}

std::set<std::uint64_t> HeadlessLogs(rocksdb::Env& env, const std::string& path,
                                     const std::vector<std::string>& names) {
  std::set<std::uint64_t> headless;
  for (const std::string& name : names) {
    if (!name.ends_with(".log") || !IsHeadless(env, path + "/" + name)) continue;
    headless.insert(std::strtoull(name.c_str(), nullptr, 10));
  }
  return headless;
}

}  // namespace

// Without CURRENT RocksDB begins a new store first, and looks at what lies there then: the opening
// fails once if there is a log, and the next one, or this one if there is none, finds that no table
// belongs to the new store, and deletes them all. A manifest alone is what is left of the making of
// a store that was cut off: RocksDB syncs the name of CURRENT before it makes any other file.
//
// RocksDB tells LogWatch from which log on there are writes that are not in tables only if there is
// a log. A loss of power may have taken the name of the only one, which was new and empty; so may
// an opening that failed have left none.
Result<StoreFiles> CheckStoreFiles(rocksdb::Env& env, const std::string& path) {
  std::vector<std::string> names;
  const rocksdb::Status listed = env.GetChildren(path, &names);
  if (listed.IsNotFound() || listed.IsPathNotFound()) return StoreFiles{.is_new = true};
  if (!listed.ok()) return FromRocksDb(listed);
  const auto has = [&names](std::string_view suffix) {
    return std::any_of(names.begin(), names.end(),
                       [suffix](const std::string& name) { return name.ends_with(suffix); });
  };
  const bool has_log = has(".log");
  const bool has_tables = has(".sst");
  if (std::find(names.begin(), names.end(), "CURRENT") == names.end()) {
    if (!has_log && !has_tables) return StoreFiles{.is_new = true};
    return Status(StatusCode::kDataLoss, path + "/CURRENT is missing");
  }
  if (Status status = CheckManifest(env, path); !status.ok()) return status;
  if (!has_log) {  // no other has this number
    const rocksdb::Status made = rocksdb::WriteStringToFile(&env, {}, path + "/000001.log");
    if (!made.ok()) return FromRocksDb(made);
  }
  return StoreFiles{
      .is_new = false, .has_tables = has_tables, .headless_logs = HeadlessLogs(env, path, names)};
}

}  // namespace larder
