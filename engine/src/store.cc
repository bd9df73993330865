#include "store.h"

#include <rocksdb/db.h>
#include <rocksdb/write_batch.h>
#include <sys/stat.h>

#include <algorithm>
#include <atomic>
#include <cstdlib>
#include <filesystem>
#include <mutex>

#include "guarded.h"
#include "kill_point.h"
#include "large_blocks.h"
#include "log_watch.h"
#include "metered_file_system.h"
#include "rocks_status.h"
#include "store_files.h"
#include "store_setup.h"

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

}  // namespace

// The environment that was given, its clock and threads too, over other files.
class MeteredEnv final : public rocksdb::EnvWrapper {
 public:
  MeteredEnv(rocksdb::Env* env, std::shared_ptr<rocksdb::FileSystem> files)
      : rocksdb::EnvWrapper(env) {
    file_system_ = std::move(files);
    system_clock_ = env->GetSystemClock();
  }
};

// What RocksDB needs to be there for as long as it is.
struct Surroundings {
  std::unique_ptr<LogWatch> watch;
  std::shared_ptr<MeteredFileSystem> files = {};  // null, and so is `env`: nobody counts
  std::unique_ptr<rocksdb::Env> env = {};
};

// All stores of a process share RocksDB's threads, one for flushes and one for merges. A disk that
// hangs may hold both for one store, so there are as many more as there are stores, up to a limit.
void AddThreads(rocksdb::Env& env, int stores) {
  constexpr int kMostThreads = 8;
  for (const auto pool : {rocksdb::Env::Priority::HIGH, rocksdb::Env::Priority::LOW}) {
    env.IncBackgroundThreadsIfNeeded(std::min(stores, kMostThreads), pool);
  }
}
std::atomic<int> open_stores{0};

// Of the batch for large rows.
constexpr std::size_t kMostKept = std::size_t{8} << 20;

// RocksDB merges level 0 from 4 files on; a close that flushes adds one.
constexpr std::uint64_t kMostTopFiles = 12;

class RocksStore final : public Store {
 public:
  RocksStore(StoreOptions options, bool pins_metadata, Surroundings surroundings,
             std::unique_ptr<rocksdb::DB> db)
      : options_(std::move(options)),
        pins_metadata_(pins_metadata),
        surroundings_(std::move(surroundings)),
        db_(std::move(db)) {
    AddThreads(*db_->GetEnv(), ++open_stores);
    recovered_ = surroundings_.watch->seen();
    recovered_.sequence = LatestSequence();
    cached_options_.read_tier = rocksdb::kBlockCacheTier;
    peek_options_.fill_cache = false;
  }
  ~RocksStore() override {
    static_cast<void>(db_->Close());
    options_.merges->Clear();
    --open_stores;
  }

  ReadOutcome Get(std::string_view key, PinnedRow& row) override {
    return OutcomeOf(
        db_->Get(read_options_, db_->DefaultColumnFamily(), AsSlice(key), &row.slice_));
  }

  ReadOutcome GetCached(std::string_view key, PinnedRow& row) override {
    return OutcomeOf(
        db_->Get(cached_options_, db_->DefaultColumnFamily(), AsSlice(key), &row.slice_));
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
    return FromWriting(PutRow(key, row, sync));
  }

  Status MultiPut(std::span<const KeyAndRow> rows, bool sync) override {
    rocksdb::WriteBatch batch;
    for (const KeyAndRow& row : rows) {
      if (rocksdb::Status status = batch.Put(AsSlice(row.key), AsSlice(row.row)); !status.ok()) {
        return FromRocksDb(status);
      }
    }
    return FromWriting(db_->Write(Impatient(sync), &batch));
  }

  Status PutSynced(std::string_view key, std::string_view row, StoreMark& mark) override {
    const rocksdb::Status put = PutRow(key, row, /*sync=*/false);
    if (!put.ok()) return FromWriting(put);
    // Read before the sync: what others write after this need not be synced. To note more would
    // make an ordinary loss of power look like a damaged WAL.
    mark = {.sequence = LatestSequence()};
    if (surroundings_.files != nullptr) surroundings_.files->NoteLogs(mark);
    KillPoint("tombstone stored");
    return Sync();
  }

  Status Sync() override { return FromRocksDb(db_->SyncWAL()); }

  Result<StoreBackup> BackUp(StoreBackupTask task) override {
    task.given_up = [this, given_up = std::move(task.given_up)] {
      return interrupted_.load() || (given_up && given_up());
    };
    return BackUpStore(*db_, task);
  }

  std::vector<StoreFile> Files() override {
    std::vector<rocksdb::LiveFileMetaData> live;
    db_->GetLiveFilesMetaData(&live);
    rocksdb::TablePropertiesCollection properties;
    static_cast<void>(db_->GetPropertiesOfAllTables(&properties));
    std::vector<StoreFile> files;
    files.reserve(live.size());
    for (rocksdb::LiveFileMetaData& from : live) {
      StoreFile file{.name = from.name,
                     .number = from.file_number,
                     .level = from.level,
                     .bytes = from.size,
                     .rows = from.num_entries,
                     .smallest = std::move(from.smallestkey),
                     .largest = std::move(from.largestkey),
                     .merging = from.being_compacted,
                     .notes = {}};
      const auto found = properties.find(from.db_path + from.name);
      if (found != properties.end()) {
        file.notes = ReadFileNotes(found->second->user_collected_properties);
      }
      files.push_back(std::move(file));
    }
    return files;
  }

  Status Rewrite(const std::vector<std::string>& names, int level,
                 std::shared_ptr<RunningMerge> merge) override {
    if (interrupted_) return {StatusCode::kUnavailable, "the store is being closed"};
    rocksdb::CompactionOptions options;
    options.compression = rocksdb::kDisableCompressionOption;  // else it is Snappy
    options.output_file_size_limit = merge != nullptr && merge->file_bytes > 0
                                         ? merge->file_bytes
                                         : db_->GetOptions().target_file_size_base;
    options.max_subcompactions = 1;
    rocksdb::CompactionJobInfo job;
    const RunningMerges::Ours ours(*options_.merges, merge);
    const rocksdb::Status status =
        db_->CompactFiles(options, db_->DefaultColumnFamily(), names, level, -1, nullptr, &job);
    if (status.IsInvalidArgument() || status.IsAborted()) {  // gone, or being merged
      return {StatusCode::kNotFound, status.ToString()};
    }
    if (!status.ok()) return FromRocksDb(status);
    if (options_.on_merged) {
      options_.on_merged(
          {.read = job.stats.total_input_bytes, .written = job.stats.total_output_bytes}, merge);
    }
    return Status::Ok();
  }

  Status SetPlan(const SpacePlan& plan) override {
    files_to_stall_ = static_cast<std::uint64_t>(plan.files_to_stall);
    return FromRocksDb(db_->SetOptions(SizesOf(plan)));
  }

  Status Flush() override { return FromRocksDb(db_->Flush(rocksdb::FlushOptions())); }
  void Interrupt() override { interrupted_ = true; }

  Result<std::set<std::uint64_t>> DictionariesInUse() override {
    rocksdb::TablePropertiesCollection files;
    const rocksdb::Status status = db_->GetPropertiesOfAllTables(&files);
    if (!status.ok()) return FromRocksDb(status);
    std::set<std::uint64_t> ids;
    for (const auto& [path, properties] : files) {
      const auto needed = ReadFileNotes(properties->user_collected_properties).dictionaries;
      if (!needed.has_value()) {
        return Status(StatusCode::kUnavailable, "a file does not say which dictionaries it needs");
      }
      ids.insert(needed->begin(), needed->end());
    }
    return ids;
  }

  // Of level 0, which every lookup may have to look into.
  std::uint64_t TopFiles() const {
    std::string files;
    db_->GetProperty(rocksdb::DB::Properties::kNumFilesAtLevelPrefix + "0", &files);
    return std::strtoull(files.c_str(), nullptr, 10);
  }

  void StartCompactions() override {
    if (compacting_) return;
    const std::lock_guard lock(compactions_mutex_);
    if (holds_ > 0 || compacting_) return;
    compacting_ = db_->EnableAutoCompaction({db_->DefaultColumnFamily()}).ok();
  }

  Status HoldCompactions() override {
    const std::lock_guard lock(compactions_mutex_);
    ++holds_;
    compacting_ = false;
    return FromRocksDb(db_->SetOptions({{"disable_auto_compactions", "true"}}));
  }

  void ReleaseCompactions() override {
    {
      const std::lock_guard lock(compactions_mutex_);
      --holds_;
    }
    StartCompactions();
  }

  const RecoveredStore& recovered() const override { return recovered_; }
  std::uint64_t LatestSequence() const override { return db_->GetLatestSequenceNumber(); }

  std::uint64_t EstimatedRows() const override {
    return Number(rocksdb::DB::Properties::kEstimateNumKeys);
  }
  std::uint64_t TableBytes() const override {
    return Number(rocksdb::DB::Properties::kLiveSstFilesSize);
  }
  std::uint64_t PinnedBytes() const override {
    rocksdb::TablePropertiesCollection files;
    if (!pins_metadata_ || !db_->GetPropertiesOfAllTables(&files).ok()) return 0;
    std::uint64_t bytes = 0;
    for (const auto& [path, properties] : files) bytes += MetadataBytes(*properties);
    return bytes;
  }
  bool IsStalled() const override {
    // RocksDB sets no limit to level 0 while its merges are held.
    return Number(rocksdb::DB::Properties::kIsWriteStopped) != 0 ||
           (holds_ > 0 && TopFiles() >= files_to_stall_);
  }

  std::uint64_t MemtableBytes() const override {
    return Number(rocksdb::DB::Properties::kSizeAllMemTables);
  }

 private:
  // A large one by a batch whose memory is used again (large_blocks.h), unless another has it.
  rocksdb::Status PutRow(std::string_view key, std::string_view row, bool sync) {
    std::unique_lock lock(large_batch_mutex_, std::defer_lock);
    if (row.size() < LargeBlocks::kLarge || row.size() > kMostKept || !lock.try_lock()) {
      return db_->Put(Impatient(sync), AsSlice(key), AsSlice(row));
    }
    large_batch_.Clear();
    rocksdb::Status status = large_batch_.Put(AsSlice(key), AsSlice(row));
    if (status.ok()) status = db_->Write(Impatient(sync), &large_batch_);
    return status;
  }
  std::uint64_t Number(const std::string& property) const {
    std::uint64_t value = 0;
    db_->GetIntProperty(property, &value);
    return value;
  }
  // Nobody waits inside while RocksDB is behind with its merges: that can take seconds, and would
  // look like a disk that hangs.
  static rocksdb::WriteOptions Impatient(bool sync) {
    rocksdb::WriteOptions options;
    options.sync = sync;
    options.no_slowdown = true;
    return options;
  }
  static Status FromWriting(const rocksdb::Status& status) {
    if (!status.IsIncomplete()) return FromRocksDb(status);
    return {StatusCode::kDeadlineExceeded, "the store is behind with its merges"};
  }
  static ReadOutcome OutcomeOf(const rocksdb::Status& status) {
    if (status.ok()) return ReadOutcome::kFound;
    if (status.IsNotFound()) return ReadOutcome::kAbsent;
    if (status.IsIncomplete()) return ReadOutcome::kUnknown;
    return status.IsCorruption() ? ReadOutcome::kCorrupt : ReadOutcome::kFault;
  }

  const StoreOptions options_;
  const bool pins_metadata_;
  const Surroundings surroundings_;
  const std::unique_ptr<rocksdb::DB> db_;
  std::atomic<std::uint64_t> files_to_stall_{
      static_cast<std::uint64_t>(options_.plan.files_to_stall)};
  RecoveredStore recovered_;  // constant after construction
  const rocksdb::ReadOptions read_options_;
  std::mutex large_batch_mutex_;
  rocksdb::WriteBatch large_batch_;  // guarded by large_batch_mutex_
  std::atomic<bool> interrupted_{false};
  std::mutex compactions_mutex_;
  std::atomic<bool> compacting_{false};  // set under compactions_mutex_
  std::atomic<int> holds_{0};            // set under compactions_mutex_
  rocksdb::ReadOptions cached_options_;
  rocksdb::ReadOptions peek_options_;
};

Result<std::unique_ptr<Store>> Store::Open(const StoreOptions& options) {
  rocksdb::Env& env = options.env != nullptr ? *options.env : *rocksdb::Env::Default();
  const Result<StoreFiles> found = CheckStoreFiles(env, options.path);
  if (!found.ok()) return found.status().WithContext("open store");
  const bool pins = EstimateTableMetadata(env, options.path) < options.most_pinned_bytes;
  rocksdb::Options rocks = RocksOptions(options, pins);
  Surroundings surroundings{.watch = std::make_unique<LogWatch>(found->headless_logs)};
  const LogWatch& watch = *surroundings.watch;
  rocks.wal_filter = surroundings.watch.get();
  if (options.budget != nullptr) {
    surroundings.files = std::make_shared<MeteredFileSystem>(
        rocks.env->GetFileSystem(), options.path, options.budget->use(), options.may_change);
    surroundings.files->AskBeforeManifest([&]() -> Status {
      const bool has_rows =
          found->has_tables || !found->headless_logs.empty() || !watch.seen().runs.empty();
      if (found->is_new || !has_rows || !options.on_read) return Status::Ok();
      // RocksDB would keep its lock if something were thrown through it.
      Status judged = Guarded([&] { return options.on_read(watch.seen()); });
      KillPoint("store judged");
      return judged;
    });
    surroundings.env = std::make_unique<MeteredEnv>(rocks.env, surroundings.files);
    rocks.env = surroundings.env.get();
  }
  // RocksDB's files can be read by all; in a directory made by somebody else, this keeps them out.
  if (options.env == nullptr) static_cast<void>(::mkdir(options.path.c_str(), 0700));
  rocksdb::DB* db = nullptr;
  const rocksdb::Status status = rocksdb::DB::Open(rocks, options.path, &db);
  if (surroundings.files != nullptr) surroundings.files->AskBeforeManifest({});
  if (!status.ok()) return FromOpening(status).WithContext("open store");
  auto store = std::make_unique<RocksStore>(options, pins, std::move(surroundings),
                                            std::unique_ptr<rocksdb::DB>(db));
  if (options.budget != nullptr) {
    options.budget->SetTables(store->TableBytes());
    options.budget->SetStalled(false);
  }
  // Left behind by processes too short for their steward's first beat: each file more is one more
  // that a miss looks into.
  if (store->TopFiles() >= kMostTopFiles) store->StartCompactions();
  return std::unique_ptr<Store>(std::move(store));
}

Result<std::uint64_t> Store::FreeBytes(const StoreOptions& options) {
  rocksdb::Env* env = options.env != nullptr ? options.env : rocksdb::Env::Default();
  std::uint64_t bytes = 0;
  rocksdb::Status status = env->GetFreeSpace(options.path, &bytes);
  if (!status.ok()) {  // it may not have been made yet, for want of space
    status = env->GetFreeSpace(std::filesystem::path(options.path).parent_path(), &bytes);
  }
  if (!status.ok()) return FromRocksDb(status);
  return bytes;
}

Status Store::Probe(const StoreOptions& options) {
  // Opening writes out what the WALs hold: all write buffers at most.
  const std::uint64_t room_to_open = options.plan.memtable_bytes();
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
