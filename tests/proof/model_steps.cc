// Steps of a schedule that read, and those that write without a lease; and what may come of them.
#include <utility>

#include "model_run.h"

namespace larder::testing {

bool IsRefusal(const Status& status) { return status.code() == StatusCode::kResourceExhausted; }

ReadOptions OptionsOf(const ReadSpec& read) {
  return {.tags = {read.tags.begin(), read.tags.end()},
          .max_age = read.max_age,
          .max_stale = read.max_stale,
          .stale_window = read.window,
          .newer_than = read.newer_than,
          .max_wait = Duration::zero()};
}

void ModelRun::CheckEntry(const Entry& entry, const WrittenValue& value) {
  Tags tags;
  for (const std::string_view tag : entry.tags()) tags.emplace(tag);
  const std::string name = "value " + std::to_string(value.id);
  if (entry.body() != value.body) Fail(name + " has another body");
  if (tags != value.tags) Fail(name + " has other tags");
  if (entry.created() != value.created) Fail(name + " was created at another time");
  if (entry.negative() != value.negative) Fail(name + " is negative or not, as it was not written");
  NoteNumber(value.began, entry.number());
  last_numbers_[value.key] = entry.number();
}

ModelRun::Expected ModelRun::Expect(const std::string& key, const ReadSpec& read) {
  Expected expected{.row = oracle_.Expect(key, read, now())};
  const auto found = table_.find(key);
  if (found == table_.end()) return expected;
  const OpenFlight& flight = flights_.at(found->second);
  if (flight.unwritten == 0 || oracle_.IsSuperseded(key, flight.began)) return expected;
  const RowWritten row = CacheOracle::RowOf(oracle_.ValueOf(flight.unwritten));
  expected.unwritten = oracle_.ExpectOf(row, read, now());
  // Nobody was given it, or nobody finds it in the table: it is found when it is written.
  if ((flight.may_be_cancelled || flight.may_be_displaced) &&
      expected.unwritten->hit == Certainty::kYes) {
    expected.unwritten->hit = Certainty::kMaybe;
  }
  return expected;
}

void ModelRun::CheckHit(const Hit& hit, const Expected& expected) {
  CheckHit(hit.entry, hit.stale, expected);
}

void ModelRun::CheckHit(const Entry& entry, std::optional<bool> stale, const Expected& expected) {
  const std::uint64_t id = IdOfBody(entry.body());
  Note("-> value " + std::to_string(id));
  ++result_.hits;
  if (!oracle_.Knows(id)) return Fail("a body that nobody wrote");
  const bool unwritten = expected.unwritten.has_value() && expected.unwritten->id == id;
  const Expectation& expect = unwritten ? *expected.unwritten : expected.row;
  if (expect.hit == Certainty::kNo) {
    return Fail("hit of value " + std::to_string(id) + ": " + expect.why);
  }
  if (id != expect.id) return Fail("the latest value is " + std::to_string(expect.id));
  if (!unwritten && expected.unwritten.has_value() && expected.unwritten->hit == Certainty::kYes) {
    return Fail("not the value that was handed out last, " +
                std::to_string(expected.unwritten->id));
  }
  if (stale.has_value() && expect.stale != Certainty::kMaybe &&
      *stale != (expect.stale == Certainty::kYes)) {
    Fail("stale is told wrongly");
  }
  const TimePoint fresh_until = entry.fresh_until();
  if (fresh_until < expect.fresh_from || fresh_until > expect.fresh_until ||
      entry.expires() != expect.expires) {
    Fail("value " + std::to_string(id) + " has other times");
  }
  CheckEntry(entry, oracle_.ValueOf(id));
}

void ModelRun::CheckFound(const std::string& key, const std::optional<Hit>& hit,
                          const Expected& expected) {
  if (hit.has_value()) return CheckHit(*hit, expected);
  if (expected.MustHit()) Fail("miss, though there is a valid value at " + key);
}

Effect ModelRun::Put(const Step& step) {
  const std::string key = KeyOf(step.a);
  const Instant began = oracle_.Tick();
  const WrittenValue& value = NewValue(key, step, began, TagsOf(step.b));
  const WriteOptions write = WriteOf(step, value.tags);
  const Result<PutOutcome> outcome = cache_->Put(key, value.body, write);
  Note("-> value " + std::to_string(value.id));
  if (IsRefusal(outcome.status())) return {};
  if (!outcome.ok()) {
    Fail("put: " + outcome.status().ToString());
    return {};
  }
  const bool kept = IsKept(write);
  if (*outcome != (kept ? PutOutcome::kStored : PutOutcome::kNotStored)) Fail("outcome of a put");
  if (!kept) return {};
  return {.rows = {CacheOracle::RowOf(value)}, .synced = SyncsPuts()};
}

// Several at once, the same key perhaps twice.
Effect ModelRun::PutTogether(const Step& step) {
  std::vector<const WrittenValue*> values;
  std::vector<PutRequest> puts;
  Step each = step;
  for (std::uint32_t i = 0; i < 1 + step.b % 5; ++i) {
    each.a += 7919 * i;
    each.c += i;
    const WrittenValue& value = NewValue(KeyOf(each.a), each, oracle_.Tick(), TagsOf(each.b + i));
    values.push_back(&value);
    puts.push_back({.key = value.key, .body = value.body, .options = WriteOf(each, value.tags)});
  }
  const std::vector<Result<PutOutcome>> outcomes = cache_->MultiPut(puts);
  Effect effect;
  for (std::size_t i = 0; i < puts.size(); ++i) {
    Note("-> value " + std::to_string(values[i]->id) + " at " + values[i]->key);
    const bool kept = IsKept(puts[i].options);
    if (IsRefusal(outcomes[i].status())) continue;
    if (!outcomes[i].ok() ||
        *outcomes[i] != (kept ? PutOutcome::kStored : PutOutcome::kNotStored)) {
      Fail("outcome of a put among several: " + outcomes[i].status().ToString());
    }
    if (kept) effect.rows.push_back(CacheOracle::RowOf(*values[i]));
  }
  effect.synced = SyncsPuts() && !effect.rows.empty();
  return effect;
}

Effect ModelRun::Touch(const Step& step) {
  const std::string key = KeyOf(step.a);
  const Duration ttl = WriteOf(step, {}).ttl.value_or(std::chrono::minutes(1));
  const CacheOracle::Touched touched = oracle_.Touch(key, ttl, now());
  const Status status = cache_->Touch(key, ttl);
  if (status.ok() && touched.live == Certainty::kNo) Fail("touched what is not live");
  if (IsRefusal(status)) return {};
  // Reads find a value that is still to be written, and the row is another's.
  const auto flight = table_.find(key);
  const bool put_off = flight != table_.end() && flights_.at(flight->second).unwritten != 0;
  if (put_off && status.code() == StatusCode::kUnavailable) return {};
  if (!status.ok() && touched.live == Certainty::kYes) Fail("touch: " + status.ToString());
  if (!status.ok()) return {};
  Note("-> value " + std::to_string(touched.row.id));
  return {.rows = {touched.row}, .synced = SyncsPuts()};
}

// All keys there are.
Effect ModelRun::GetTogether(const Step& step) {
  std::vector<std::string> keys;
  for (std::uint32_t i = 0; i < options_.keys; ++i) keys.push_back(KeyOf(i));
  const std::vector<std::string_view> views(keys.begin(), keys.end());
  const ReadSpec read = ReadOf("", step);
  const std::vector<std::optional<Hit>> hits = cache_->MultiGet(views, OptionsOf(read));
  for (std::size_t i = 0; i < keys.size(); ++i) {
    CheckFound(keys[i], hits[i], Expect(keys[i], read));
  }
  return {};
}

// All pages, two entries each.
Effect ModelRun::Scan(const Step& step) {
  const std::string prefix = step.a % 3 == 0 ? PrefixOf(step.a / 3) : "";
  std::map<std::string, ScanItem> found;
  ScanOptions scan{.prefix = prefix, .limit = 2, .bodies = true};
  do {
    const Result<ScanPage> page = cache_->Scan(scan);
    if (!page.ok()) {
      Fail("scan: " + page.status().ToString());
      return {};
    }
    for (const ScanItem& item : page->items) {
      if (!found.emplace(item.key, item).second) Fail("a scan gave " + item.key + " twice");
    }
    scan.cursor = page->cursor;
  } while (!scan.cursor.empty());
  for (std::uint32_t i = 0; i < options_.keys; ++i) {
    const std::string key = KeyOf(i);
    const Expectation expect = oracle_.Expect(key, {.max_stale = kForever}, now());
    const auto item = found.find(key);
    const bool wanted = key.starts_with(prefix);
    if (item == found.end()) {
      if (wanted && expect.hit == Certainty::kYes) Fail("a scan left out " + key);
      continue;
    }
    if (!wanted) Fail("a scan gave " + key + ", which has another prefix");
    CheckHit(item->second.entry, item->second.stale, {.row = expect});
    found.erase(item);
  }
  if (!found.empty()) Fail("a scan gave a key that nobody wrote");
  return {};
}

Effect ModelRun::Get(const Step& step) {
  const bool in_memory = step.kind == StepKind::kGetInMemory;
  const std::string key = KeyOf(step.a);
  const ReadSpec read = ReadOf(key, step);
  const Expected expected = Expect(key, read);
  if (in_memory) {
    const std::optional<Hit> hit = cache_->GetInMemory(key, OptionsOf(read));
    if (hit.has_value()) CheckHit(*hit, expected);
    return {};
  }
  CheckFound(key,
             step.kind == StepKind::kPeek ? cache_->Peek(key, OptionsOf(read))
                                          : cache_->Get(key, OptionsOf(read)),
             expected);
  return {};
}

}  // namespace larder::testing
