#include "store.h"

#include <rocksdb/cache.h>
#include <rocksdb/compaction_filter.h>
#include <rocksdb/db.h>
#include <rocksdb/filter_policy.h>
#include <rocksdb/listener.h>
#include <rocksdb/table.h>
#include <rocksdb/write_batch.h>
#include <rocksdb/write_buffer_manager.h>

#include <algorithm>
#include <atomic>
#include <cstdarg>
#include <cstdio>

#include "dictionary_collector.h"
#include "kill_point.h"
#include "rocks_status.h"

namespace larder {
namespace {

rocksdb::Slice AsSlice(std::string_view bytes) { return {bytes.data(), bytes.size()}; }

// A file that must be there is missing, or says what no version of ours wrote: damage as well. But
// an options file that could not be read is "Invalid argument: ... IO error" to RocksDB, and a
// sound store must not be moved aside for that.
Status FromOpening(const rocksdb::Status& status) {
  const std::string text = status.ToString();
  if (status.IsInvalidArgument() && text.find("IO error") != std::string::npos) {
    return {StatusCode::kUnavailable, text};
  }
  if (status.IsPathNotFound() || status.IsNotFound() || status.IsInvalidArgument() ||
      status.IsNotSupported()) {
    return {StatusCode::kDataLoss, status.ToString()};
  }
  return FromRocksDb(status);
}

// RocksDB's own LOG lies on the disk whose failure it would report: when that disk is full, a
// failed write of a log line runs into an assertion and ends the process (design 3.9). So its
// warnings come to our logger, and nothing is written beside the data.
class LogSink final : public rocksdb::Logger {
 public:
  explicit LogSink(std::function<void(LogLevel, std::string_view)> log)
      : rocksdb::Logger(rocksdb::InfoLogLevel::WARN_LEVEL), log_(std::move(log)) {}

  using rocksdb::Logger::Logv;
  void Logv(const char* format, va_list arguments) override {
    Logv(rocksdb::InfoLogLevel::WARN_LEVEL, format, arguments);
  }
  void Logv(rocksdb::InfoLogLevel level, const char* format, va_list arguments) override {
    if (!log_ || level < rocksdb::InfoLogLevel::WARN_LEVEL ||
        level >= rocksdb::InfoLogLevel::HEADER_LEVEL) {
      return;
    }
    char line[512];
    const int size = std::vsnprintf(line, sizeof(line), format, arguments);
    if (size <= 0) return;
    const std::size_t length =
        std::min<std::size_t>(static_cast<std::size_t>(size), sizeof(line) - 1);
    const bool is_error = level >= rocksdb::InfoLogLevel::ERROR_LEVEL;
    log_(is_error ? LogLevel::kError : LogLevel::kWarning,
         std::string("store: ") + std::string(line, length));
  }

 private:
  const std::function<void(LogLevel, std::string_view)> log_;
};

// RocksDB 7.8 resumes by itself when there is space again, and then appends to the very WAL whose
// last write failed if the memtable was empty: an assertion ends the process (seen with Debian's
// build). So it stays stopped after a fault, and is opened anew.
class NoAutomaticRecovery final : public rocksdb::EventListener {
 public:
  explicit NoAutomaticRecovery(std::function<void(const Status&)> on_fault)
      : on_fault_(std::move(on_fault)) {}

  void OnBackgroundError(rocksdb::BackgroundErrorReason reason, rocksdb::Status* error) override {
    // A failed write is told by who wrote.
    if (reason == rocksdb::BackgroundErrorReason::kWriteCallback || error->ok()) return;
    if (on_fault_ && !error->IsShutdownInProgress()) on_fault_(FromRocksDb(*error));
  }
  void OnErrorRecoveryBegin(rocksdb::BackgroundErrorReason /*reason*/, rocksdb::Status /*error*/,
                            bool* auto_recovery) override {
    *auto_recovery = false;
  }

 private:
  const std::function<void(const Status&)> on_fault_;
};

class CompactionListener final : public rocksdb::EventListener {
 public:
  explicit CompactionListener(std::function<void(std::uint64_t, std::uint64_t)> tell)
      : tell_(std::move(tell)) {}
  void OnCompactionCompleted(rocksdb::DB* /*db*/, const rocksdb::CompactionJobInfo& job) override {
    if (job.status.ok()) tell_(job.stats.total_input_bytes, job.stats.total_output_bytes);
  }

 private:
  const std::function<void(std::uint64_t, std::uint64_t)> tell_;
};

// Memtables that may wait to be written out, and one more.
constexpr std::uint64_t kWriteBuffers = 4;

rocksdb::BlockBasedTableOptions TableOptions(const std::shared_ptr<rocksdb::Cache>& block_cache) {
  rocksdb::BlockBasedTableOptions table;
  table.block_cache = block_cache;
  table.cache_index_and_filter_blocks = false;
  table.filter_policy.reset(rocksdb::NewBloomFilterPolicy(10, false));
  // Debian compiles RocksDB for baseline x86-64, where CRC32c runs in software.
  table.checksum = rocksdb::kXXH3;
  table.format_version = 5;
  table.data_block_index_type = rocksdb::BlockBasedTableOptions::kDataBlockBinaryAndHash;
  return table;
}

rocksdb::Options RocksOptions(const StoreOptions& options) {
  rocksdb::Options rocks;
  rocks.create_if_missing = true;
  if (options.env != nullptr) rocks.env = options.env;
  rocks.info_log = std::make_shared<LogSink>(options.log);
  rocks.listeners.push_back(std::make_shared<NoAutomaticRecovery>(options.on_background_fault));
  if (options.on_compacted) {
    rocks.listeners.push_back(std::make_shared<CompactionListener>(options.on_compacted));
  }
  rocks.compaction_filter_factory = options.filter;
  rocks.table_properties_collector_factories.push_back(MakeDictionaryCollector());
  rocks.compression = rocksdb::kNoCompression;  // records are compressed one by one
  rocks.bottommost_compression = rocksdb::kNoCompression;
  rocks.write_buffer_size = options.write_buffer_bytes;
  rocks.max_write_buffer_number = 3;
  rocks.level_compaction_dynamic_level_bytes = true;
  rocks.target_file_size_base = std::uint64_t{16} << 20;
  rocks.max_bytes_for_level_base = std::uint64_t{64} << 20;
  rocks.max_background_jobs = 2;
  rocks.disable_auto_compactions = true;  // until StartCompactions
  rocks.allow_fallocate = false;          // an empty store would take 76 MB
  rocks.keep_log_file_num = 1;
  rocks.max_manifest_file_size = std::uint64_t{8} << 20;
  rocks.stats_dump_period_sec = 0;
  rocks.stats_persist_period_sec = 0;
  const std::uint64_t cache_bytes =
      std::max(options.memory_bytes, kWriteBuffers * options.write_buffer_bytes);
  const std::shared_ptr<rocksdb::Cache> block_cache = rocksdb::NewLRUCache(cache_bytes, 4);
  rocks.write_buffer_manager = std::make_shared<rocksdb::WriteBufferManager>(
      kWriteBuffers * options.write_buffer_bytes, block_cache);
  rocks.table_factory.reset(rocksdb::NewBlockBasedTableFactory(TableOptions(block_cache)));
  return rocks;
}

}  // namespace

class RocksStore final : public Store {
 public:
  RocksStore(std::unique_ptr<rocksdb::DB> db, std::shared_ptr<rocksdb::Cache> block_cache)
      : db_(std::move(db)), block_cache_(std::move(block_cache)) {
    peek_options_.fill_cache = false;
  }
  ~RocksStore() override { static_cast<void>(db_->Close()); }

  ReadOutcome Get(std::string_view key, PinnedRow& row) override {
    return OutcomeOf(
        db_->Get(read_options_, db_->DefaultColumnFamily(), AsSlice(key), &row.slice_));
  }

  ReadOutcome Peek(std::string_view key, PinnedRow& row) override {
    return OutcomeOf(
        db_->Get(peek_options_, db_->DefaultColumnFamily(), AsSlice(key), &row.slice_));
  }

  std::vector<ReadOutcome> MultiGet(std::span<const std::string_view> keys,
                                    std::span<PinnedRow> rows) override {
    std::vector<rocksdb::Slice> slices;
    slices.reserve(keys.size());
    for (const std::string_view key : keys) slices.push_back(AsSlice(key));
    std::vector<rocksdb::PinnableSlice> values(keys.size());
    std::vector<rocksdb::Status> statuses(keys.size());
    db_->MultiGet(read_options_, db_->DefaultColumnFamily(), keys.size(), slices.data(),
                  values.data(), statuses.data());
    std::vector<ReadOutcome> outcomes;
    outcomes.reserve(keys.size());
    for (std::size_t i = 0; i < keys.size(); ++i) {
      rows[i].slice_ = std::move(values[i]);
      outcomes.push_back(OutcomeOf(statuses[i]));
    }
    return outcomes;
  }

  Result<bool> Scan(
      std::string_view from,
      const std::function<bool(std::string_view key, std::string_view row)>& visit) override {
    rocksdb::ReadOptions options;
    options.fill_cache = false;
    const std::unique_ptr<rocksdb::Iterator> rows(db_->NewIterator(options));
    for (rows->Seek(AsSlice(from)); rows->Valid(); rows->Next()) {
      if (!visit(rows->key().ToStringView(), rows->value().ToStringView())) return true;
    }
    if (!rows->status().ok()) return FromRocksDb(rows->status());
    return false;
  }

  Status Put(std::string_view key, std::string_view row, bool sync) override {
    rocksdb::WriteOptions write_options;
    write_options.sync = sync;
    return FromRocksDb(db_->Put(write_options, AsSlice(key), AsSlice(row)));
  }

  Status MultiPut(std::span<const KeyAndRow> rows, bool sync) override {
    rocksdb::WriteBatch batch;
    for (const KeyAndRow& row : rows) {
      if (rocksdb::Status status = batch.Put(AsSlice(row.key), AsSlice(row.row)); !status.ok()) {
        return FromRocksDb(status);
      }
    }
    rocksdb::WriteOptions write_options;
    write_options.sync = sync;
    return FromRocksDb(db_->Write(write_options, &batch));
  }

  Status PutSynced(std::string_view key, std::string_view row, std::uint64_t& sequence) override {
    if (Status status = Put(key, row, false); !status.ok()) return status;
    // Read before the sync: what others write after this need not be synced. To note more would
    // make an ordinary loss of power look like a damaged WAL.
    sequence = LatestSequence();
    KillPoint("tombstone stored");
    return Sync();
  }

  Status Sync() override { return FromRocksDb(db_->SyncWAL()); }

  Result<StoreBackup> BackUp(StoreBackupTask task) override {
    task.given_up = [this] { return interrupted_.load(); };
    return BackUpStore(*db_, task);
  }

  void StartCompactions() override {
    if (compacting_.exchange(true)) return;
    const rocksdb::Status status = db_->EnableAutoCompaction({db_->DefaultColumnFamily()});
    compacting_ = status.ok();
  }

  Status CompactAll() override {
    rocksdb::CompactRangeOptions options;
    options.bottommost_level_compaction = rocksdb::BottommostLevelCompaction::kForceOptimized;
    options.canceled = &interrupted_;
    return FromRocksDb(db_->CompactRange(options, nullptr, nullptr));
  }

  Status Flush() override { return FromRocksDb(db_->Flush(rocksdb::FlushOptions())); }
  void Interrupt() override { interrupted_ = true; }

  Result<std::set<std::uint64_t>> DictionariesInUse() override {
    rocksdb::TablePropertiesCollection files;
    const rocksdb::Status status = db_->GetPropertiesOfAllTables(&files);
    if (!status.ok()) return FromRocksDb(status);
    std::set<std::uint64_t> ids;
    for (const auto& [path, properties] : files) {
      const auto property = properties->user_collected_properties.find(kDictionariesProperty);
      if (property == properties->user_collected_properties.end() ||
          !ReadDictionariesProperty(property->second, ids)) {
        return Status(StatusCode::kUnavailable, "a file does not say which dictionaries it needs");
      }
    }
    return ids;
  }

  std::uint64_t LatestSequence() const override { return db_->GetLatestSequenceNumber(); }

  std::uint64_t EstimatedRows() const override {
    std::uint64_t rows = 0;
    db_->GetIntProperty(rocksdb::DB::Properties::kEstimateNumKeys, &rows);
    return rows;
  }

  std::uint64_t MemoryBytes() const override {
    std::uint64_t memtables = 0;
    db_->GetIntProperty(rocksdb::DB::Properties::kSizeAllMemTables, &memtables);
    return block_cache_->GetUsage() + memtables;
  }

 private:
  static ReadOutcome OutcomeOf(const rocksdb::Status& status) {
    if (status.ok()) return ReadOutcome::kFound;
    if (status.IsNotFound()) return ReadOutcome::kAbsent;
    return status.IsCorruption() ? ReadOutcome::kCorrupt : ReadOutcome::kFault;
  }

  const std::unique_ptr<rocksdb::DB> db_;
  const std::shared_ptr<rocksdb::Cache> block_cache_;
  const rocksdb::ReadOptions read_options_;
  std::atomic<bool> interrupted_{false};
  std::atomic<bool> compacting_{false};
  rocksdb::ReadOptions peek_options_;
};

Result<std::unique_ptr<Store>> Store::Open(const StoreOptions& options) {
  const rocksdb::Options rocks = RocksOptions(options);
  rocksdb::DB* db = nullptr;
  const rocksdb::Status status = rocksdb::DB::Open(rocks, options.path, &db);
  if (!status.ok()) return FromOpening(status).WithContext("open store");
  auto* table = rocks.table_factory->GetOptions<rocksdb::BlockBasedTableOptions>();
  return std::unique_ptr<Store>(
      std::make_unique<RocksStore>(std::unique_ptr<rocksdb::DB>(db), table->block_cache));
}

Result<std::uint64_t> Store::FreeBytes(const StoreOptions& options) {
  rocksdb::Env* env = options.env != nullptr ? options.env : rocksdb::Env::Default();
  std::uint64_t bytes = 0;
  const rocksdb::Status status = env->GetFreeSpace(options.path, &bytes);
  if (!status.ok()) return FromRocksDb(status);
  return bytes;
}

Status Store::Probe(const StoreOptions& options) {
  // Opening writes out what the WALs hold: all write buffers at most.
  const std::uint64_t room_to_open = kWriteBuffers * options.write_buffer_bytes;
  rocksdb::Env* env = options.env != nullptr ? options.env : rocksdb::Env::Default();
  const Result<std::uint64_t> free_bytes = FreeBytes(options);
  if (!free_bytes.ok()) return free_bytes.status();
  if (*free_bytes < room_to_open) {
    return {StatusCode::kResourceExhausted, std::to_string(*free_bytes) + " bytes free, " +
                                                std::to_string(room_to_open) + " needed to open"};
  }
  const std::string path = options.path + ".probe";
  const rocksdb::Status status =
      rocksdb::WriteStringToFile(env, std::string(4096, 'p'), path, true);
  static_cast<void>(env->DeleteFile(path));
  return FromRocksDb(status);
}

}  // namespace larder
