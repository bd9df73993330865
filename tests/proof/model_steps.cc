// What each step of a schedule does, and what may come of it.
#include <utility>

#include "model_run.h"

namespace larder::testing {
namespace {

// The store is behind with its merges, and this run's steward seldom wakes: nothing was done.
bool IsRefusal(const Status& status) { return status.code() == StatusCode::kResourceExhausted; }

Tags Union(Tags a, const Tags& b) {
  a.insert(b.begin(), b.end());
  return a;
}

ReadOptions OptionsOf(const ReadSpec& read) {
  return {.tags = {read.tags.begin(), read.tags.end()},
          .max_age = read.max_age,
          .max_stale = read.max_stale,
          .newer_than = read.newer_than,
          .max_wait = Duration::zero()};
}

}  // namespace

void ModelRun::CheckEntry(const Entry& entry, const WrittenValue& value) {
  Tags tags;
  for (const std::string_view tag : entry.tags()) tags.emplace(tag);
  const std::string name = "value " + std::to_string(value.id);
  if (entry.body() != value.body) Fail(name + " has another body");
  if (tags != value.tags) Fail(name + " has other tags");
  if (entry.created() != value.created) Fail(name + " was created at another time");
  NoteNumber(value.began, entry.number());
  last_numbers_[value.key] = entry.number();
}

void ModelRun::CheckHit(const Hit& hit, const Expectation& expect) {
  const std::uint64_t id = IdOfBody(hit.entry.body());
  Note("-> value " + std::to_string(id));
  ++result_.hits;
  if (!oracle_.Knows(id)) return Fail("a body that nobody wrote");
  if (expect.hit == Certainty::kNo) {
    return Fail("hit of value " + std::to_string(id) + ": " + expect.why);
  }
  if (id != expect.id) return Fail("the latest value is " + std::to_string(expect.id));
  if (expect.stale != Certainty::kMaybe && hit.stale != (expect.stale == Certainty::kYes)) {
    Fail("stale is told wrongly");
  }
  const TimePoint fresh_until = hit.entry.fresh_until();
  if (fresh_until < expect.fresh_from || fresh_until > expect.fresh_until ||
      hit.entry.expires() != expect.expires) {
    Fail("value " + std::to_string(id) + " has other times");
  }
  CheckEntry(hit.entry, oracle_.ValueOf(id));
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
  const bool kept = *write.ttl != Duration::zero();
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
    const bool kept = *puts[i].options.ttl != Duration::zero();
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
  const Duration ttl = *WriteOf(step, {}).ttl;
  const CacheOracle::Touched touched = oracle_.Touch(key, ttl, now());
  const Status status = cache_->Touch(key, ttl);
  if (status.ok() && touched.live == Certainty::kNo) Fail("touched what is not live");
  if (IsRefusal(status)) return {};
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
    const Expectation expect = oracle_.Expect(keys[i], read, now());
    if (hits[i].has_value()) {
      CheckHit(*hits[i], expect);
    } else if (expect.hit == Certainty::kYes) {
      Fail("miss among several, though value " + std::to_string(expect.id) + " is valid");
    }
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
    CheckHit({.entry = item->second.entry, .stale = item->second.stale}, expect);
    found.erase(item);
  }
  if (!found.empty()) Fail("a scan gave a key that nobody wrote");
  return {};
}

Effect ModelRun::Get(const Step& step) {
  const bool in_memory = step.kind == StepKind::kGetInMemory;
  const std::string key = KeyOf(step.a);
  const ReadSpec read = ReadOf(key, step);
  const Expectation expect = oracle_.Expect(key, read, now());
  std::optional<Hit> hit;
  if (in_memory) {
    hit = cache_->GetInMemory(key, OptionsOf(read));
  } else {
    hit = step.kind == StepKind::kPeek ? cache_->Peek(key, OptionsOf(read))
                                       : cache_->Get(key, OptionsOf(read));
  }
  if (hit.has_value()) {
    CheckHit(*hit, expect);
  } else if (expect.hit == Certainty::kYes && !in_memory) {
    Fail("miss, though value " + std::to_string(expect.id) + " is valid");
  }
  return {};
}

// A miss joins the flight on its key unless something that either needs was invalidated since.
Certainty ModelRun::Joinable(const std::string& key, const ReadSpec& read) const {
  const auto found = table_.find(key);
  if (found == table_.end() || read.newer_than == kRefresh) return Certainty::kNo;
  const OpenFlight& flight = flights_.at(found->second);
  if (oracle_.NumberOf(flight.began) <= read.newer_than) return Certainty::kNo;
  const Tags tags = Union(flight.tags, read.tags);
  const Certainty softened =
      oracle_.SoftenedSince(flight.began, WithPrefixesOf(key, tags)).certainty;
  const Certainty holds = oracle_.Holds(key, flight.began, tags);
  if (softened == Certainty::kNo || holds == Certainty::kNo) return holds;
  // What it brings is stale at once, which this read may or may not accept.
  return softened == Certainty::kYes && read.max_stale == Duration::zero() ? Certainty::kNo
                                                                           : Certainty::kMaybe;
}

void ModelRun::Lead(const std::string& key, const ReadSpec& read, Instant instant, Lease lease) {
  NoteNumber(instant, lease.number());
  const std::uint64_t id = next_flight_++;
  Note("-> lease of flight " + std::to_string(id));
  flights_[id] = {.key = key, .began = instant, .tags = read.tags, .lease = std::move(lease)};
  table_[key] = id;
}

Effect ModelRun::Acquire(const Step& step) {
  const std::string key = KeyOf(step.a);
  const ReadSpec read = ReadOf(key, step);
  const Instant instant = oracle_.Tick();
  const Expectation expect = oracle_.Expect(key, read, now());
  const Certainty joinable = Joinable(key, read);
  Acquired acquired = cache_->Acquire(key, OptionsOf(read));
  if (const Hit* hit = std::get_if<Hit>(&acquired)) {
    CheckHit(*hit, expect);
    return {};
  }
  if (expect.hit == Certainty::kYes) {
    Fail("miss, though value " + std::to_string(expect.id) + " is valid");
  }
  if (Lease* lease = std::get_if<Lease>(&acquired)) {
    if (joinable == Certainty::kYes) Fail("a second computation beside one that could be joined");
    Lead(key, read, instant, std::move(*lease));
    return {};
  }
  const auto& flight = std::get<Flight>(acquired);
  if (joinable == Certainty::kNo) {
    Fail("joined a flight that is too old for this read");
    return {};
  }
  const std::uint64_t id = table_.at(key);
  Note("-> joined flight " + std::to_string(id));
  flights_.at(id).tags.insert(read.tags.begin(), read.tags.end());
  NoteNumber(flights_.at(id).began, flight.number());
  Follower follower{id, instant, read.tags, std::make_shared<std::optional<FlightEnd>>()};
  flight.OnEnd([end = follower.end](FlightEnd reached) { *end = std::move(reached); });
  followers_.push_back(std::move(follower));
  return {};
}

std::optional<std::uint64_t> ModelRun::ChooseFlight(const Step& step) const {
  if (flights_.empty()) return std::nullopt;
  auto chosen = flights_.begin();
  std::advance(chosen, step.a % flights_.size());
  return chosen->first;
}

void ModelRun::CheckEnd(const Follower& follower, const FlightEnd& end, bool may_be_cancelled) {
  const OpenFlight& flight = flights_.at(follower.flight);
  if (!end.entry.has_value()) {
    if (!may_be_cancelled) Fail("a follower was told: " + end.status.ToString());
    return;
  }
  const std::uint64_t id = IdOfBody(end.entry->body());
  if (!oracle_.Knows(id)) return Fail("a follower got a body that nobody wrote");
  const WrittenValue& value = oracle_.ValueOf(id);
  if (value.began != flight.began) Fail("a follower got another flight's value");
  if (oracle_.CoveredBetween(flight.key, Union(value.tags, follower.tags), flight.began,
                             follower.arrived)) {
    Fail("a follower got value " + std::to_string(id) + ", invalidated before it arrived");
  }
}

// Without an executor callbacks have run by now.
void ModelRun::EndFlight(std::uint64_t id, bool may_be_cancelled) {
  for (const Follower& follower : followers_) {
    if (follower.flight != id) continue;
    if (!follower.end->has_value()) {
      Fail("a follower was forgotten");
    } else {
      CheckEnd(follower, **follower.end, may_be_cancelled);
    }
  }
  std::erase_if(followers_, [id](const Follower& follower) { return follower.flight == id; });
  const auto place = table_.find(flights_.at(id).key);
  if (place != table_.end() && place->second == id) table_.erase(place);
  flights_.erase(id);
}

Effect ModelRun::Commit(const Step& step) {
  const std::optional<std::uint64_t> id = ChooseFlight(step);
  if (!id.has_value()) return {};
  OpenFlight& flight = flights_.at(*id);
  const Tags named = TagsOf(step.b);
  const WrittenValue& value = NewValue(flight.key, step, flight.began, Union(flight.tags, named));
  const Certainty holds = oracle_.Holds(flight.key, flight.began, value.tags);
  const bool superseded = oracle_.IsSuperseded(flight.key, flight.began);
  const bool kept = step.c % 8 != 7;
  const Committed committed = flight.lease->Commit(value.body, WriteOf(step, named));
  flight.lease.reset();
  Note("of flight " + std::to_string(*id) + " -> value " + std::to_string(value.id) + ", outcome " +
       std::to_string(static_cast<int>(committed.outcome)));
  const bool refused = IsRefusal(committed.status);
  if (!committed.status.ok() && !refused) Fail("commit: " + committed.status.ToString());
  if (committed.entry.body() != value.body) Fail("the committed body is another");
  const bool stored = committed.outcome == PutOutcome::kStored;
  const bool may_be_stored = kept && holds != Certainty::kNo && !superseded;
  if (stored && !may_be_stored) Fail("stored, though it was invalid or something newer is there");
  if (!stored && !refused && may_be_stored && holds == Certainty::kYes) Fail("not stored");
  if (!kept && holds == Certainty::kYes && committed.outcome != PutOutcome::kNotStored) {
    Fail("outcome of a commit that was not to be stored");
  }
  Effect effect;
  if (stored) {
    effect.rows = {CacheOracle::RowOf(value)};
    effect.synced = SyncsPuts();
  }
  const Certainty softened =
      oracle_.SoftenedSince(flight.began, WithPrefixesOf(flight.key, value.tags)).certainty;
  EndFlight(*id, (!named.empty() && holds != Certainty::kYes) || softened != Certainty::kNo);
  return effect;
}

Effect ModelRun::Abandon(const Step& step) {
  const std::optional<std::uint64_t> id = ChooseFlight(step);
  if (!id.has_value()) return {};
  Note("flight " + std::to_string(*id));
  std::optional<Lease> lease = std::move(flights_.at(*id).lease);
  if (step.b % 2 == 0) lease->Abandon({StatusCode::kUnavailable, "the upstream failed"});
  lease.reset();
  EndFlight(*id, true);
  return {};
}

// The loader may invalidate or remove what it is computing.
Effect ModelRun::GetOrCompute(const Step& step) {
  const std::string key = KeyOf(step.a);
  const ReadSpec read = ReadOf(key, step);
  const Instant instant = oracle_.Tick();
  const Expectation expect = oracle_.Expect(key, read, now());
  const Certainty joinable = Joinable(key, read);
  const Tags named = TagsOf(step.b);
  const std::uint64_t refused = cache_->GetStats().refused;
  Effect effect;
  std::uint64_t id = 0;
  const Result<Entry> entry = cache_->GetOrCompute(key, OptionsOf(read), [&]() -> Result<Computed> {
    if (step.d % 6 == 0) effect = Invalidate(TagsOf(step.b / 2));
    if (step.d % 6 == 1) effect = Remove(key);
    const WrittenValue& value = NewValue(key, step, instant, Union(read.tags, named));
    id = value.id;
    return Computed{value.body, WriteOf(step, named)};
  });
  if (id != 0) {
    Note("-> computed value " + std::to_string(id));
    if (expect.hit == Certainty::kYes) Fail("computed, though there is a valid value");
    if (joinable == Certainty::kYes) Fail("computed beside a flight that could be joined");
    table_.erase(key);  // a flight that could not be joined gave way
    if (!entry.ok()) {
      Fail("get-or-compute: " + entry.status().ToString());
      return effect;
    }
    NoteNumber(instant, entry->number());
    // Whether it was stored nobody says; a ledger that is full may have dropped what began before.
    const std::optional<Hit> hit = cache_->Get(key, {.max_stale = kForever});
    if (hit.has_value() && IdOfBody(hit->entry.body()) == id) {
      if (!effect.rows.empty()) Fail("stored, though it was removed meanwhile");
      for (const std::string& tag : Union(read.tags, named)) {
        if (effect.invalidated.count(tag) != 0) Fail("stored, though it is invalid");
      }
      effect.rows = {CacheOracle::RowOf(oracle_.ValueOf(id))};
      effect.synced = SyncsPuts();
    } else if (step.c % 8 != 7 && step.d % 6 > 1 && cache_->GetStats().refused == refused) {
      Fail("not stored");
    }
    return effect;
  }
  if (entry.ok()) {
    CheckHit({.entry = *entry, .stale = expect.stale == Certainty::kYes}, expect);
  } else if (entry.status().code() != StatusCode::kDeadlineExceeded || joinable == Certainty::kNo) {
    Fail("get-or-compute: " + entry.status().ToString());
  } else {
    flights_.at(table_.at(key)).tags.insert(read.tags.begin(), read.tags.end());
  }
  return {};
}

}  // namespace larder::testing
