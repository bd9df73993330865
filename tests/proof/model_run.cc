#include "model_run.h"

#include <algorithm>
#include <array>
#include <cstdlib>
#include <stdexcept>
#include <utility>

namespace larder::testing {
namespace {

using namespace std::chrono_literals;  // NOLINT

constexpr std::array<Duration, 8> kLifetimes = {1ms, 10s, 60s, 60s, 1h, 24h, kForever, 0ms};
constexpr std::array<Duration, 4> kStaleWindows = {0ms, 0ms, 5s, 30s};
constexpr std::array<Duration, 6> kPauses = {1ms, 1s, 9999ms, 10s, 45s, 2h};
constexpr std::size_t kLargestBody = 6'000;
constexpr std::uint64_t kOneLog = std::uint64_t{1} << 20;  // no schedule writes so much

// What a writer gets who names none.
constexpr Duration kDefaultTtl = 20s;
constexpr Duration kNegativeTtl = 5s;
constexpr Duration kDefaultWhileRevalidate = 7s;
constexpr Duration kDefaultIfError = 15s;
constexpr std::size_t kMostWrites = 4;  // then the queue is full

}  // namespace

ModelOptions MakeModelOptions(std::uint64_t seed) {
  std::mt19937_64 random(seed ^ 0x9e3779b97f4a7c15);
  ModelOptions options;
  options.seed = seed;
  options.hot_tier = random() % 3 != 0;
  options.executor = random() % 2 == 0;
  options.on_disk = random() % 8 == 0;
  options.write_later = random() % 2 == 0;
  if (random() % 4 == 0) options.durability = Durability::kSync;
  if (random() % 2 == 0) options.ledger_tags = 2 + random() % 10;
  if (random() % 2 == 0) options.journal_room = 1 + random() % 8;
  if (random() % 4 == 0) options.write_buffer_bytes = std::uint64_t{8} << 20;
  options.keys = 1 + random() % 12;
  options.tags = 1 + random() % 12;
  return options;
}

std::string ToString(const ModelOptions& options) {
  return "seed " + std::to_string(options.seed) + ", hot tier " +
         (options.hot_tier ? "on" : "off") + (options.executor ? ", executor" : "") +
         (options.on_disk ? ", on disk" : "") + (options.write_later ? ", writes later" : "") +
         ", durability " + (options.durability == Durability::kSync ? "sync" : "process") +
         ", ledger of " + std::to_string(options.ledger_tags) + " tags, journal room " +
         std::to_string(options.journal_room) + ", write buffer " +
         std::to_string(options.write_buffer_bytes) + ", " + std::to_string(options.keys) +
         " keys, " + std::to_string(options.tags) + " tags";
}

Options ModelRun::EngineOptions() {
  Options engine;
  engine.max_memory_bytes = std::uint64_t{32} << 20;
  engine.durability = options_.durability;
  engine.compression.level = 1;
  engine.default_ttl = kDefaultTtl;
  engine.negative_ttl = kNegativeTtl;
  engine.stale_while_revalidate = kDefaultWhileRevalidate;
  engine.stale_if_error = kDefaultIfError;
  if (!options_.executor) return engine;
  engine.executor = [this](std::function<void()> work) {
    if (std::exchange(refuse_work_, false)) throw std::runtime_error("it takes no more");
    work_.push_back(std::move(work));
  };
  return engine;
}

CacheInternals ModelRun::Internals() {
  CacheInternals internals{.hot_tier = options_.hot_tier,
                           .write_buffer_bytes = options_.write_buffer_bytes,
                           .ledger_tags = options_.ledger_tags,
                           .journal_room = options_.journal_room};
  if (!options_.write_later) return internals;
  internals.write_later = [this](std::function<void()> work) {
    if (writes_.size() == kMostWrites) return false;
    writes_.push_back({.flight = committing_, .work = std::move(work)});
    return true;
  };
  return internals;
}

ModelRun::ModelRun(const ModelOptions& options)
    : options_(options),
      cache_(EngineOptions(), Internals(), options.seed, options.on_disk),
      oracle_(options.ledger_tags, options.write_buffer_bytes > kOneLog) {}

ModelResult ModelRun::Run(const std::vector<Step>& schedule) {
  OpenCache();
  for (const Step& step : schedule) {
    if (!result_.finding.empty()) break;
    Note(ToString(step));
    ++result_.steps;
    const Effect effect = RunStep(step);
    CheckEnds();
    AfterStep(effect);
  }
  writes_.clear();
  cache_.Close();
  work_.clear();
  return std::move(result_);
}

Effect ModelRun::RunStep(const Step& step) {
  switch (step.kind) {
    case StepKind::kPut: return Put(step);
    case StepKind::kPutTogether: return PutTogether(step);
    case StepKind::kTouch: return Touch(step);
    case StepKind::kGet:
    case StepKind::kPeek:
    case StepKind::kGetInMemory: return Get(step);
    case StepKind::kGetTogether: return GetTogether(step);
    case StepKind::kScan: return Scan(step);
    case StepKind::kAcquire: return Acquire(step);
    case StepKind::kCommit:
    case StepKind::kCommitInBackground: return Commit(step);
    case StepKind::kWrite: return WriteOne(step);
    case StepKind::kStop: return Stop(step);
    case StepKind::kRun: return RunOne(step);
    case StepKind::kRefuseWork: refuse_work_ = options_.executor; return {};
    case StepKind::kAbandon: return Abandon(step);
    case StepKind::kGetOrCompute: return GetOrCompute(step);
    case StepKind::kRemove: return Remove(KeyOf(step.a));
    case StepKind::kInvalidateTags: return Invalidate(TagsOf(step.b));
    case StepKind::kInvalidatePrefix: return InvalidatePrefix(step);
    case StepKind::kSoften: return Soften(step);
    case StepKind::kInvalidateAll: return InvalidateAll();
    case StepKind::kInvalidateTogether: return InvalidateTogether(step);
    case StepKind::kCare: cache_.Care(); return {};
    case StepKind::kWatch: return Watch();
    case StepKind::kAdvance: cache_.clock().Advance(kPauses[step.a % kPauses.size()]); return {};
    case StepKind::kSync: return Sync();
    case StepKind::kCompact: return Compact();
    case StepKind::kExport: return Export(step);
    case StepKind::kImport: return Import(step);
    case StepKind::kBackup: return Backup();
    case StepKind::kRestore: return RestoreBackup(step);
    case StepKind::kDamage: return DamageFiles(step);
    case StepKind::kReopen: return Reopen();
    case StepKind::kLateCommit: return LateCommit(step);
    case StepKind::kKill: ArmCrash(step, Crash::kKill); return {};
    case StepKind::kPowerLoss: ArmCrash(step, Crash::kPowerLoss); return {};
  }
  return {};
}

std::string ModelRun::KeyOf(std::uint32_t number) const {
  return "key " + std::to_string(number % options_.keys);
}

// "key 1" is also the start of "key 10".
std::string ModelRun::PrefixOf(std::uint32_t number) {
  return number % 8 == 0 ? "key" : "key " + std::to_string(number % 10);
}

// About a quarter of them.
Tags ModelRun::TagsOf(std::uint32_t number) const {
  std::mt19937 random(number);
  Tags tags;
  for (std::uint32_t i = 0; i < options_.tags; ++i) {
    if (random() % 4 == 0) tags.insert("tag " + std::to_string(i));
  }
  return tags;
}

ReadSpec ModelRun::ReadOf(const std::string& key, const Step& step) const {
  ReadSpec read;
  if (step.b % 3 == 0) read.tags = TagsOf(step.b / 3);
  if (step.c % 3 == 0) read.max_stale = kStaleWindows[step.c / 3 % kStaleWindows.size()];
  if (step.b % 5 < 2) read.window = StaleWindow(1 + step.b % 5);
  if (step.c % 7 == 0) read.max_age = kPauses[step.c / 7 % kPauses.size()];
  if (step.d % 20 == 0) read.newer_than = kRefresh;
  const auto last = last_numbers_.find(key);
  if (step.d % 20 == 1 && last != last_numbers_.end()) read.newer_than = last->second;
  return read;
}

WriteOptions ModelRun::WriteOf(const Step& step, const Tags& tags) const {
  WriteOptions write;
  write.negative = step.c / 128 % 8 == 0;
  if (step.c / 1024 % 5 != 0) write.ttl = kLifetimes[step.c % kLifetimes.size()];
  if (step.d % 5 != 0) {
    write.stale_while_revalidate = kStaleWindows[step.c / 8 % kStaleWindows.size()];
    write.stale_if_error = kStaleWindows[step.c / 32 % kStaleWindows.size()];
  }
  write.tags = {tags.begin(), tags.end()};
  return write;
}

// As it is if it is written now.
const WrittenValue& ModelRun::NewValue(const std::string& key, const Step& step, Instant began,
                                       Tags tags) {
  WrittenValue value{.id = oracle_.NextId(), .key = key, .began = began, .tags = std::move(tags)};
  const WriteOptions write = WriteOf(step, {});
  value.created = now();
  value.negative = write.negative;
  value.while_revalidate = write.stale_while_revalidate.value_or(
      write.negative ? Duration::zero() : kDefaultWhileRevalidate);
  value.if_error =
      write.stale_if_error.value_or(write.negative ? Duration::zero() : kDefaultIfError);
  const Duration ttl = write.ttl.value_or(write.negative ? kNegativeTtl : kDefaultTtl);
  if (ttl != kForever) {
    value.fresh_until = value.created + ttl;
    value.expires = value.fresh_until + std::max(value.while_revalidate, value.if_error);
  }
  value.body = MakeBody(value.id, step.d % kLargestBody);
  const std::uint64_t id = value.id;
  oracle_.AddValue(std::move(value));
  return oracle_.ValueOf(id);
}

void ModelRun::Fail(const std::string& what) {
  if (result_.finding.empty()) result_.finding = what;
  Note("FINDING: " + what);
}

void ModelRun::Note(const std::string& what) { result_.history.push_back(what); }

void ModelRun::NoteNumber(Instant instant, std::uint64_t number) {
  const std::string wrong = oracle_.NoteNumber(instant, number);
  if (!wrong.empty()) Fail(wrong);
}

}  // namespace larder::testing
