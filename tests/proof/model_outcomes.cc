// Steps of a schedule in which a computation comes to its end; and what becomes of its value.
#include <algorithm>
#include <utility>

#include "model_run.h"

namespace larder::testing {
namespace {

Tags Union(Tags a, const Tags& b) {
  a.insert(b.begin(), b.end());
  return a;
}

}  // namespace

// Those of the readers that joined it, some of whom may only have looked.
void ModelRun::LearnTags(const OpenFlight& flight, const Tags& named, const Entry& entry) {
  Tags tags;
  for (const std::string_view tag : entry.tags()) tags.emplace(tag);
  const Tags least = Union(flight.tags, named);
  const Tags most = Union(least, flight.maybe_tags);
  if (!std::includes(tags.begin(), tags.end(), least.begin(), least.end()) ||
      !std::includes(most.begin(), most.end(), tags.begin(), tags.end())) {
    return Fail("an outcome has other tags");
  }
  if (IdOfBody(entry.body()) != 0) oracle_.SetTags(IdOfBody(entry.body()), std::move(tags));
}

// Of a value that is to be kept. `before`: rows of the same step.
void ModelRun::CheckStored(const OpenFlight& flight, const WrittenValue& value, bool stored,
                           bool refused, const Effect& before) {
  const Certainty holds = oracle_.Holds(flight.key, value.began, value.tags);
  const bool superseded =
      oracle_.IsSuperseded(flight.key, value.began) ||
      std::any_of(before.rows.begin(), before.rows.end(), [&](const RowWritten& row) {
        return row.key == flight.key && row.began > value.began;
      });
  const bool may_be = holds != Certainty::kNo && !superseded;
  if (stored && !may_be) Fail("stored, though it was invalid or something newer is there");
  if (!stored && !refused && may_be && holds == Certainty::kYes) Fail("not stored");
}

Effect ModelRun::Commit(const Step& step) {
  const std::optional<std::uint64_t> id = ChooseFlight(step);
  if (!id.has_value()) return {};
  OpenFlight& flight = flights_.at(*id);
  const Tags named = TagsOf(step.b);
  const std::uint64_t value_id =
      NewValue(flight.key, step, flight.began, Union(flight.tags, named)).id;
  const std::string body = oracle_.ValueOf(value_id).body;
  const WriteOptions write = WriteOf(step, named);
  const Stats before = cache_->GetStats();
  const std::size_t pending = writes_.size();
  committing_ = *id;
  std::optional<Committed> committed;
  std::optional<Entry> entry;
  if (step.kind == StepKind::kCommit) {
    committed = flight.lease->Commit(body, write);
    entry = committed->entry;
  } else {
    entry = flight.lease->CommitInBackground(body, write);
  }
  flight.lease.reset();
  const Stats after = cache_->GetStats();
  const bool put_off = writes_.size() > pending;
  const bool stored = after.stores != before.stores;
  Note("of flight " + std::to_string(*id) + " -> value " + std::to_string(value_id) +
       (put_off  ? ", to be written"
        : stored ? ", stored"
                 : ", not stored"));
  if (entry->body() != body) Fail("the committed body is another");
  LearnTags(flight, named, *entry);
  const WrittenValue& value = oracle_.ValueOf(value_id);
  const Certainty holds = oracle_.Holds(flight.key, flight.began, value.tags);
  const bool refused = after.refused != before.refused;
  if (committed.has_value()) {
    if (!committed->status.ok() && !IsRefusal(committed->status)) {
      Fail("commit: " + committed->status.ToString());
    }
    if (stored != (committed->outcome == PutOutcome::kStored)) Fail("outcome of a commit");
    if (!IsKept(write) && holds == Certainty::kYes &&
        committed->outcome != PutOutcome::kNotStored) {
      Fail("outcome of a commit that was not to be stored");
    }
  }
  if ((stored || put_off) && !IsKept(write)) Fail("a commit that was not to be stored was");
  if (IsKept(write) && !put_off) CheckStored(flight, value, stored, refused, {});
  const Certainty softened =
      oracle_.SoftenedSince(flight.began, WithPrefixesOf(flight.key, value.tags)).certainty;
  flight.may_be_cancelled =
      !named.empty() && (holds != Certainty::kYes || softened != Certainty::kNo);
  if (put_off) flight.unwritten = value_id;
  EndFlight(*id);
  if (!stored) return {};
  return {.rows = {CacheOracle::RowOf(value)}, .synced = SyncsPuts()};
}

void ModelRun::WriteFlight(std::uint64_t id, const std::function<void()>& work, Effect& effect) {
  OpenFlight& flight = flights_.at(id);
  const Stats before = cache_->GetStats();
  work();
  const Stats after = cache_->GetStats();
  const bool stored = after.stores != before.stores;
  const WrittenValue& value = oracle_.ValueOf(flight.unwritten);
  Note("value " + std::to_string(value.id) + (stored ? " is written" : " is not written"));
  CheckStored(flight, value, stored, after.refused != before.refused, effect);
  flight.unwritten = 0;
  LeaveTable(id);
  if (!stored) return;
  effect.rows.push_back(CacheOracle::RowOf(value));
  effect.synced = SyncsPuts();
}

// In any order.
Effect ModelRun::WriteOne(const Step& step) {
  if (writes_.empty()) return {};
  const auto chosen = writes_.begin() + static_cast<std::ptrdiff_t>(step.a % writes_.size());
  const PendingWrite write = std::move(*chosen);
  writes_.erase(chosen);
  Effect effect;
  WriteFlight(write.flight, write.work, effect);
  return effect;
}

Effect ModelRun::WriteAll() {
  Effect effect;
  for (; !writes_.empty(); writes_.pop_front()) {
    WriteFlight(writes_.front().flight, std::exchange(writes_.front().work, nullptr), effect);
  }
  return effect;
}

Effect ModelRun::Abandon(const Step& step) {
  const std::optional<std::uint64_t> id = ChooseFlight(step);
  if (!id.has_value()) return {};
  Note("flight " + std::to_string(*id));
  OpenFlight& flight = flights_.at(*id);
  flight.failed = step.b % 2 == 0;
  flight.may_be_cancelled = !flight.failed;
  if (flight.failed) flight.lease->Abandon({StatusCode::kUnavailable, "the upstream failed"});
  EndFlight(*id);
  return {};
}

// What a loader does, for the call itself or behind it.
Result<Computed> ModelRun::Load(const Step& step, std::uint64_t id, Told& told) {
  told.flight = id;
  if (losing_ || step.d % 5 == 4) return Status(StatusCode::kUnavailable, "the upstream failed");
  const OpenFlight& flight = flights_.at(id);
  const Tags named = TagsOf(step.b);
  const WrittenValue& value = NewValue(flight.key, step, flight.began, Union(flight.tags, named));
  const WriteOptions write = WriteOf(step, named);
  told.value = value.id;
  told.kept = IsKept(write);
  return Computed{value.body, write};
}

// The loader may invalidate or remove what it is computing.
Effect ModelRun::GetOrCompute(const Step& step) {
  const std::string key = KeyOf(step.a);
  ReadSpec read = ReadOf(key, step);
  read.window = options_.executor ? StaleWindow::kWhileRevalidate : StaleWindow::kNone;
  const Instant instant = oracle_.Tick();
  const Expected expected = Expect(key, read);
  const Certainty joinable = Joinable(key, read);
  const bool nobody = Joined(key) == nullptr;
  if (OpenFlight* joined = Joined(key)) joined->maybe_tags.merge(Tags(read.tags));
  const std::uint64_t waited_for = nobody ? 0 : table_.at(key);
  const bool refuses = refuse_work_;
  const std::uint64_t id = next_flight_++;
  Effect effect;
  Told told;
  const auto here = std::make_shared<bool>(true);  // false: the call is over
  committing_ = id;
  const Stats before = cache_->GetStats();
  const std::size_t pending = writes_.size();
  const Result<Entry> entry =
      cache_->GetOrCompute(key, OptionsOf(read), [&, this, here, step, id]() -> Result<Computed> {
        if (!*here) return Load(step, id, computed_);
        flights_[id] = {.key = key, .began = instant, .tags = read.tags};
        if (step.d % 6 == 0 && step.d % 5 != 4) effect = Invalidate(TagsOf(step.b / 2));
        if (step.d % 6 == 1 && step.d % 5 != 4) effect = Remove(key);
        return Load(step, id, told);
      });
  *here = false;
  if (told.flight != 0) {
    if (expected.MustHit()) Fail("computed, though there is a valid value");
    if (joinable == Certainty::kYes) Fail("computed beside a flight that could be joined");
    table_.erase(key);  // a flight that could not be joined gave way
    return Loaded(step, read, told, before, pending, entry, std::move(effect));
  }
  if (!entry.ok()) {
    if (entry.status().code() != StatusCode::kDeadlineExceeded || joinable == Certainty::kNo) {
      Fail("get-or-compute: " + entry.status().ToString());
    } else {
      flights_.at(waited_for).tags.merge(Tags(read.tags));
    }
    return {};
  }
  CheckHit(*entry, std::nullopt, expected);
  const bool stale = now() >= entry->fresh_until();
  if (here.use_count() > 1) {  // the loader is kept, and will run
    Note("to be computed behind it by flight " + std::to_string(id));
    if (joinable == Certainty::kYes) Fail("a second refresh");
    const bool unwritten =
        expected.unwritten.has_value() && expected.unwritten->id == IdOfBody(entry->body());
    if ((unwritten ? expected.unwritten->stale : expected.row.stale) == Certainty::kNo) {
      Fail("computes anew what is fresh");
    }
    flights_[id] = {.key = key, .began = instant, .tags = read.tags};
    table_[key] = id;
  } else if (stale && refuses && !nobody) {
    flights_.at(waited_for).may_be_displaced = true;
  } else if (stale && nobody && options_.executor && !refuses) {
    Fail("a stale entry that nobody computes anew");
  }
  return {};
}

// By the call itself.
Effect ModelRun::Loaded(const Step& step, const ReadSpec& read, const Told& told,
                        const Stats& before, std::size_t pending, const Result<Entry>& entry,
                        Effect effect) {
  OpenFlight& flight = flights_.at(told.flight);
  flight.ended = true;
  if (told.value == 0) {
    ReadSpec if_error = read;
    if_error.window = StaleWindow::kIfError;
    const Expected expected = Expect(flight.key, if_error);
    Note("-> the loader failed");
    if (entry.ok()) {
      CheckHit(*entry, std::nullopt, expected);
    } else if (entry.status().code() != StatusCode::kUnavailable || expected.MustHit()) {
      Fail("get-or-compute after a failure: " + entry.status().ToString());
    }
    return {};
  }
  Note("-> computed value " + std::to_string(told.value));
  if (!entry.ok()) {
    Fail("get-or-compute: " + entry.status().ToString());
    return effect;
  }
  NoteNumber(flight.began, entry->number());
  LearnTags(flight, TagsOf(step.b), *entry);
  const WrittenValue& value = oracle_.ValueOf(told.value);
  if (writes_.size() > pending) {
    flight.unwritten = told.value;
    if (effect.rows.empty()) table_[flight.key] = told.flight;
    return effect;
  }
  const Stats after = cache_->GetStats();
  const bool stored = after.stores != before.stores;
  if (stored && !told.kept) Fail("stored, though it was not to be");
  if (stored && !effect.rows.empty()) Fail("stored, though it was removed meanwhile");
  for (const std::string& tag : value.tags) {
    if (stored && effect.invalidated.count(tag) != 0) Fail("stored, though it is invalid");
  }
  const bool overtaken = !effect.rows.empty() || !effect.invalidated.empty();
  if (told.kept && !overtaken)
    CheckStored(flight, value, stored, after.refused != before.refused, {});
  if (stored) {
    effect.rows = {CacheOracle::RowOf(value)};
    effect.synced = SyncsPuts();
  }
  return effect;
}

}  // namespace larder::testing
