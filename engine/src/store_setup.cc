#include "store_setup.h"

#include <rocksdb/cache.h>
#include <rocksdb/compaction_filter.h>
#include <rocksdb/db.h>
#include <rocksdb/filter_policy.h>
#include <rocksdb/listener.h>
#include <rocksdb/sst_file_reader.h>
#include <rocksdb/table.h>

#include <algorithm>
#include <cstdarg>
#include <cstdio>
#include <tuple>
#include <utility>

#include "file_notes.h"
#include "rocks_status.h"

namespace larder {
namespace {

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
    std::string_view text(line,
                          std::min<std::size_t>(static_cast<std::size_t>(size), sizeof(line) - 1));
    text = text.substr(0, text.find_last_not_of(" \n") + 1);
    // What RocksDB says each time it makes a store.
    if (text.starts_with("Error when reading ") && text.ends_with(" dir NotFound:")) return;
    const bool is_error = level >= rocksdb::InfoLogLevel::ERROR_LEVEL;
    log_(is_error ? LogLevel::kError : LogLevel::kWarning, "store: " + std::string(text));
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

// Tells of merges, on the thread that does them, and whether RocksDB makes writers wait.
class MergeListener final : public rocksdb::EventListener {
 public:
  explicit MergeListener(const StoreOptions& options)
      : merges_(options.merges),
        budget_(options.budget),
        on_merge_(options.on_merge),
        on_merged_(options.on_merged) {}

  void OnCompactionBegin(rocksdb::DB* /*db*/, const rocksdb::CompactionJobInfo& job) override {
    if (on_merge_ && !IsOurs(merges_->OfThisThread())) merges_->Begin(on_merge_(InfoOf(job)));
  }
  void OnCompactionCompleted(rocksdb::DB* db, const rocksdb::CompactionJobInfo& job) override {
    NoteTables(*db);
    const std::shared_ptr<RunningMerge> merge = merges_->OfThisThread();
    if (IsOurs(merge)) return;  // told by who rewrites
    merges_->End();
    if (!job.status.ok() || !on_merged_) return;
    on_merged_({.read = job.stats.total_input_bytes, .written = job.stats.total_output_bytes},
               merge);
  }
  void OnFlushCompleted(rocksdb::DB* db, const rocksdb::FlushJobInfo& /*job*/) override {
    NoteTables(*db);
  }
  void OnStallConditionsChanged(const rocksdb::WriteStallInfo& info) override {
    budget_->SetStalled(info.condition.cur != rocksdb::WriteStallCondition::kNormal);
  }

 private:
  static bool IsOurs(const std::shared_ptr<RunningMerge>& merge) {
    return merge != nullptr && merge->by_us;
  }
  static MergeInfo InfoOf(const rocksdb::CompactionJobInfo& job) {
    MergeInfo info{.input_bytes = 0, .into_last_level = job.output_level == Store::kLastLevel};
    std::optional<std::uint64_t> swept;
    for (std::size_t i = 0; i < job.input_files.size(); ++i) {
      const auto found = job.table_properties.find(job.input_files[i]);
      if (found == job.table_properties.end()) continue;
      const rocksdb::TableProperties& table = *found->second;
      info.input_bytes += table.data_size + MetadataBytes(table);
      if (!info.into_last_level) {
        info.drop_bytes += table.raw_key_size + table.num_entries * SpaceBudget::kDeletionBytes;
      }
      if (i >= job.input_file_infos.size() || job.input_file_infos[i].level != Store::kLastLevel)
        continue;
      const std::uint64_t at = ReadFileNotes(table.user_collected_properties).swept;
      swept = std::min(swept.value_or(at), at);
    }
    info.swept = swept.value_or(0);
    return info;
  }
  void NoteTables(rocksdb::DB& db) const {
    std::uint64_t bytes = 0;
    if (db.GetIntProperty(rocksdb::DB::Properties::kLiveSstFilesSize, &bytes)) {
      budget_->SetTables(bytes);
    }
  }

  const std::shared_ptr<RunningMerges> merges_;
  SpaceBudget* const budget_;
  const std::function<std::shared_ptr<RunningMerge>(const MergeInfo&)> on_merge_;
  const std::function<void(const MergeResult&, const std::shared_ptr<RunningMerge>&)> on_merged_;
};

// Indexes and filters take about a hundredth of rows of 500 bytes. Pinned they spare a miss 0.35 us
// of looking them up in the block cache, which cannot make them give way then.
rocksdb::BlockBasedTableOptions TableOptions(const std::shared_ptr<rocksdb::Cache>& block_cache,
                                             bool pin) {
  const rocksdb::PinningTier pinning =
      pin ? rocksdb::PinningTier::kAll : rocksdb::PinningTier::kFlushedAndSimilar;
  rocksdb::BlockBasedTableOptions table;
  table.block_cache = block_cache;
  // Charged like all else: of a large store they would take more than the whole budget. Those of
  // the newest tables, which every miss looks into, stay.
  table.cache_index_and_filter_blocks = true;
  table.cache_index_and_filter_blocks_with_high_priority = true;
  table.metadata_cache_options.unpartitioned_pinning = pinning;
  table.filter_policy.reset(rocksdb::NewBloomFilterPolicy(10, false));
  // Debian compiles RocksDB for baseline x86-64, where CRC32c runs in software.
  table.checksum = rocksdb::kXXH3;
  table.format_version = 5;
  table.data_block_index_type = rocksdb::BlockBasedTableOptions::kDataBlockBinaryAndHash;
  return table;
}

}  // namespace

std::unordered_map<std::string, std::string> SizesOf(const SpacePlan& plan) {
  return {{"write_buffer_size", std::to_string(plan.write_buffer_bytes)},
          {"target_file_size_base", std::to_string(plan.file_bytes)},
          {"max_bytes_for_level_base", std::to_string(plan.base_level_bytes)},
          {"max_compaction_bytes", std::to_string(12 * plan.file_bytes)},
          {"level0_file_num_compaction_trigger", std::to_string(plan.files_to_merge)},
          {"level0_slowdown_writes_trigger", std::to_string(plan.files_to_stall)},
          {"level0_stop_writes_trigger", std::to_string(plan.files_to_stall)}};
}

// Of some tables, small and large ones, since rows of one kind make tables of one size.
std::uint64_t EstimateTableMetadata(rocksdb::Env& env, const std::string& path) {
  constexpr std::size_t kRead = 5;
  std::vector<rocksdb::Env::FileAttributes> files;
  if (!env.GetChildrenFileAttributes(path, &files).ok()) return 0;
  std::erase_if(
      files, [](const auto& file) { return !file.name.ends_with(".sst") || file.size_bytes == 0; });
  std::sort(files.begin(), files.end(), [](const auto& a, const auto& b) {
    return std::tie(a.size_bytes, a.name) < std::tie(b.size_bytes, b.name);
  });
  rocksdb::Options options;
  options.env = &env;
  double metadata = 0;
  double read = 0;
  const std::size_t most = std::min(kRead, files.size());
  for (std::size_t i = 0; i < most; ++i) {
    const auto& file = files[most == 1 ? 0 : i * (files.size() - 1) / (most - 1)];
    rocksdb::SstFileReader reader(options);
    if (!reader.Open(path + "/" + file.name).ok()) continue;
    metadata += static_cast<double>(MetadataBytes(*reader.GetTableProperties()));
    read += static_cast<double>(file.size_bytes);
  }
  if (read == 0) return 0;
  double all = 0;
  for (const auto& file : files) all += static_cast<double>(file.size_bytes);
  return static_cast<std::uint64_t>(metadata / read * all);
}

std::uint64_t MetadataBytes(const rocksdb::TableProperties& table) {
  return table.index_size + table.filter_size;
}

rocksdb::Options RocksOptions(const StoreOptions& options, bool pin_metadata) {
  rocksdb::Options rocks;
  rocks.create_if_missing = true;
  if (options.env != nullptr) rocks.env = options.env;
  rocks.info_log = std::make_shared<LogSink>(options.log);
  rocks.listeners.push_back(std::make_shared<NoAutomaticRecovery>(options.on_background_fault));
  if (options.budget != nullptr) {
    rocks.listeners.push_back(std::make_shared<MergeListener>(options));
  }
  rocks.compaction_filter_factory = options.filter;
  rocks.table_properties_collector_factories.push_back(MakeFileNotes(options.merges));
  rocks.compression = rocksdb::kNoCompression;  // records are compressed one by one
  rocks.bottommost_compression = rocksdb::kNoCompression;
  const SpacePlan& plan = options.plan;
  rocks.write_buffer_size = plan.write_buffer_bytes;
  rocks.max_write_buffer_number = 3;
  // Each put first looks for a newer row, and a miss has to ask every memtable: for rows of 200
  // bytes this is still 8 bits a key, and spares the walk down the skip list.
  rocks.memtable_prefix_bloom_size_ratio = 0.005;
  rocks.memtable_whole_key_filtering = true;
  rocks.num_levels = Store::kLastLevel + 1;
  rocks.level_compaction_dynamic_level_bytes = true;
  rocks.target_file_size_base = plan.file_bytes;
  rocks.max_bytes_for_level_base = plan.base_level_bytes;
  rocks.max_compaction_bytes = 12 * plan.file_bytes;
  rocks.level0_file_num_compaction_trigger = plan.files_to_merge;
  // Without a slower phase before: who writes is paced by the budget.
  rocks.level0_slowdown_writes_trigger = plan.files_to_stall;
  rocks.level0_stop_writes_trigger = plan.files_to_stall;
  rocks.soft_pending_compaction_bytes_limit = 0;
  rocks.hard_pending_compaction_bytes_limit = 0;
  rocks.max_background_jobs = 2;
  rocks.disable_auto_compactions = true;  // until StartCompactions
  rocks.allow_fallocate = false;          // an empty store would take 76 MB
  rocks.keep_log_file_num = 1;
  rocks.max_manifest_file_size = std::min(plan.limit / 256, std::uint64_t{8} << 20);
  rocks.stats_dump_period_sec = 0;
  rocks.stats_persist_period_sec = 0;
  std::shared_ptr<StoreMemory> memory = options.memory;
  if (memory == nullptr) {
    memory = std::make_shared<StoreMemory>(plan.memtable_bytes(), plan.memtable_bytes());
  }
  rocks.write_buffer_manager = memory->memtables();
  rocks.table_factory.reset(
      rocksdb::NewBlockBasedTableFactory(TableOptions(memory->block_cache(), pin_metadata)));
  return rocks;
}

}  // namespace larder
