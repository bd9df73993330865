// Steps of a schedule about computations: leases, those who wait for them, and how they end.
#include <iterator>
#include <utility>

#include "model_run.h"

namespace larder::testing {
namespace {

using namespace std::chrono_literals;  // NOLINT

constexpr Duration kTimeouts[] = {1ms, 1s, 10s, 45s};

Tags Union(Tags a, const Tags& b) {
  a.insert(b.begin(), b.end());
  return a;
}

// How long the flight, or its follower, has; mostly for ever.
Duration TimeoutOf(std::uint32_t number) {
  return number % 3 == 0 ? kTimeouts[number / 3 % std::size(kTimeouts)] : kForever;
}

}  // namespace

// The flight on `key` that a read may have joined on its way to something else.
ModelRun::OpenFlight* ModelRun::Joined(const std::string& key) {
  const auto found = table_.find(key);
  return found == table_.end() ? nullptr : &flights_.at(found->second);
}

// A miss joins the flight on its key unless something that either needs was invalidated since.
Certainty ModelRun::Joinable(const std::string& key, const ReadSpec& read) {
  const OpenFlight* flight = Joined(key);
  if (flight == nullptr || read.newer_than == kRefresh) return Certainty::kNo;
  // Told, and still to be written: as good as a row.
  if (flight->ended) return Certainty::kMaybe;
  if (flight->deadline <= since_boot()) return Certainty::kNo;
  const std::uint64_t number = oracle_.NumberOf(flight->began);
  if (number != 0 && number <= read.newer_than) return Certainty::kNo;
  const Tags tags = Union(flight->tags, read.tags);
  const Certainty softened =
      oracle_.SoftenedSince(flight->began, WithPrefixesOf(key, tags)).certainty;
  const Certainty holds = Holds(*flight, read.tags);
  if (holds == Certainty::kNo) return holds;
  if (number == 0 && read.newer_than != 0) return Certainty::kMaybe;
  if (softened == Certainty::kNo) return holds;
  // What it brings is stale at once, which is not what a caller waits for.
  return softened == Certainty::kYes ? Certainty::kNo : Certainty::kMaybe;
}

// Of what it brings, if it names these tags.
Certainty ModelRun::Holds(const OpenFlight& flight, const Tags& named) const {
  const Tags tags = Union(flight.tags, named);
  const Certainty holds = oracle_.Holds(flight.key, flight.began, tags);
  if (holds != Certainty::kYes) return holds;
  const Tags most = Union(tags, flight.maybe_tags);
  return oracle_.Holds(flight.key, flight.began, most) == Certainty::kYes ? holds
                                                                          : Certainty::kMaybe;
}

std::uint64_t ModelRun::Lead(const std::string& key, const ReadSpec& read, Instant instant) {
  const std::uint64_t id = next_flight_++;
  flights_[id] = {.key = key, .began = instant, .tags = read.tags};
  table_[key] = id;
  return id;
}

void ModelRun::LeadWith(const std::string& key, const ReadSpec& read, Instant instant,
                        Lease lease) {
  NoteNumber(instant, lease.number());
  const std::uint64_t id = Lead(key, read, instant);
  Note("-> lease of flight " + std::to_string(id));
  flights_.at(id).lease = std::move(lease);
}

void ModelRun::Follow(const Step& step, const std::string& key, const ReadSpec& read,
                      Instant instant, const Flight& flight) {
  const std::uint64_t id = table_.at(key);
  OpenFlight& joined = flights_.at(id);
  Note("-> joined flight " + std::to_string(id));
  joined.tags.insert(read.tags.begin(), read.tags.end());
  NoteNumber(joined.began, flight.number());
  Follower follower{id, instant, read.tags, std::make_shared<std::optional<FlightEnd>>()};
  const Duration timeout = TimeoutOf(step.d / 7);
  if (timeout != kForever) follower.until = since_boot() + timeout;
  flight.OnEnd([end = follower.end](FlightEnd reached) { *end = std::move(reached); }, timeout,
               follower.stop.get_token());
  followers_.push_back(std::move(follower));
}

Effect ModelRun::Acquire(const Step& step) {
  const std::string key = KeyOf(step.a);
  const ReadSpec read = ReadOf(key, step);
  const Instant instant = oracle_.Tick();
  const Expected expected = Expect(key, read);
  const Certainty joinable = Joinable(key, read);
  const bool nobody = Joined(key) == nullptr;
  if (OpenFlight* joined = Joined(key)) joined->maybe_tags.merge(Tags(read.tags));
  ReadOptions options = OptionsOf(read);
  options.lease_timeout = TimeoutOf(step.d / 3);
  std::optional<Acquired> in_memory;
  if (step.d % 2 == 0) in_memory = cache_->AcquireInMemory(key, options);
  Acquired acquired = in_memory ? *std::move(in_memory) : cache_->Acquire(key, options);
  if (const Hit* hit = std::get_if<Hit>(&acquired)) {
    if (hit->stale && nobody && read.window == StaleWindow::kWhileRevalidate) {
      Fail("a stale hit that nobody computes anew");
    }
    CheckHit(*hit, expected);
    return {};
  }
  if (auto* stale = std::get_if<StaleHit>(&acquired)) {
    CheckHit(stale->hit, expected);
    if (!stale->hit.stale || read.window != StaleWindow::kWhileRevalidate) {
      Fail("a lease beside an entry that is good");
    }
    if (joinable == Certainty::kYes) Fail("a second refresh");
    LeadWith(key, read, instant, std::move(stale->lease));
  } else if (Lease* lease = std::get_if<Lease>(&acquired)) {
    if (expected.MustHit()) Fail("miss, though there is a valid value");
    if (joinable == Certainty::kYes) Fail("a second computation beside one that could be joined");
    LeadWith(key, read, instant, std::move(*lease));
  } else {
    if (expected.MustHit()) Fail("waits, though there is a valid value");
    if (joinable == Certainty::kNo || flights_.at(table_.at(key)).ended) {
      Fail("joined a flight that is too old for this read");
      return {};
    }
    Follow(step, key, read, instant, std::get<Flight>(acquired));
    return {};
  }
  if (options.lease_timeout != kForever) {
    flights_.at(table_.at(key)).deadline = since_boot() + options.lease_timeout;
  }
  return {};
}

std::optional<std::uint64_t> ModelRun::ChooseFlight(const Step& step) const {
  std::vector<std::uint64_t> led;
  for (const auto& [id, flight] : flights_) {
    if (flight.lease.has_value()) led.push_back(id);
  }
  if (led.empty()) return std::nullopt;
  return led[step.a % led.size()];
}

void ModelRun::CheckEnd(const Follower& follower, const FlightEnd& end) {
  const OpenFlight& flight = flights_.at(follower.flight);
  if (!end.entry.has_value()) {
    const bool stopped = follower.stop.stop_requested() && !end.acquire_again;
    const bool late = (end.acquire_again ? flight.deadline : follower.until) <= since_boot();
    bool allowed = false;
    switch (end.status.code()) {
      case StatusCode::kCancelled: allowed = flight.may_be_cancelled || stopped; break;
      case StatusCode::kDeadlineExceeded: allowed = late; break;
      case StatusCode::kUnavailable: allowed = flight.failed && !end.acquire_again; break;
      default: break;
    }
    if (!allowed) Fail("a follower was told: " + end.status.ToString());
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

// Without an executor callbacks have run by now; with one, when there is nothing left to run.
void ModelRun::CheckEnds() {
  std::erase_if(followers_, [this](const Follower& follower) {
    if (follower.end->has_value()) {
      CheckEnd(follower, **follower.end);
      return true;
    }
    if (flights_.at(follower.flight).ended && work_.empty()) Fail("a follower was forgotten");
    return false;
  });
}

void ModelRun::LeaveTable(std::uint64_t id) {
  const auto place = table_.find(flights_.at(id).key);
  if (place != table_.end() && place->second == id) table_.erase(place);
}

// Its followers have been told, or are about to be.
void ModelRun::EndFlight(std::uint64_t id) {
  OpenFlight& flight = flights_.at(id);
  flight.lease.reset();
  flight.ended = true;
  if (flight.unwritten == 0) LeaveTable(id);
}

Effect ModelRun::Stop(const Step& step) {
  if (followers_.empty()) return {};
  const Follower& follower = followers_[step.a % followers_.size()];
  follower.stop.request_stop();
  if (!options_.executor && !follower.end->has_value()) Fail("a follower could not be stopped");
  return {};
}

Effect ModelRun::Watch() {
  cache_.Watch();
  for (auto& [id, flight] : flights_) {
    if (flight.ended || flight.deadline > since_boot()) continue;
    flight.ended = true;  // its lease may still commit
    LeaveTable(id);
    if (flight.lease.has_value() && !flight.lease->ended()) Fail("an overdue lease has not ended");
  }
  for (const Follower& follower : followers_) {
    if (!follower.end->has_value() && follower.until <= since_boot() && work_.empty()) {
      Fail("a follower was not told in time");
    }
  }
  return {};
}

// Callbacks of followers, and loaders.
Effect ModelRun::RunOne(const Step& step) {
  if (work_.empty()) return {};
  const auto chosen = work_.begin() + static_cast<std::ptrdiff_t>(step.a % work_.size());
  const std::function<void()> work = std::move(*chosen);
  work_.erase(chosen);
  const Stats before = cache_->GetStats();
  computed_ = {};
  work();
  const Told told = std::exchange(computed_, {});
  if (told.flight == 0) return {};
  OpenFlight& flight = flights_.at(told.flight);
  if (told.value == 0) {
    flight.failed = true;
    EndFlight(told.flight);
    return {};
  }
  Note("computed value " + std::to_string(told.value) + " of flight " +
       std::to_string(told.flight));
  const Stats after = cache_->GetStats();
  const bool stored = after.stores != before.stores;
  const std::optional<Hit> hit = cache_->Peek(flight.key, {.max_stale = kForever});
  const bool found = hit.has_value() && IdOfBody(hit->entry.body()) == told.value;
  if (found) LearnTags(flight, oracle_.ValueOf(told.value).tags, hit->entry);
  const WrittenValue& value = oracle_.ValueOf(told.value);
  if (found && !stored) Fail("found, though it was not stored");
  // What was not stored does not tell which tags of those who only looked it had.
  const bool sure = stored || Holds(flight, value.tags) == Certainty::kYes;
  if (told.kept && sure) CheckStored(flight, value, stored, after.refused != before.refused, {});
  flight.may_be_cancelled = true;  // what it named may have been invalidated
  EndFlight(told.flight);
  if (!stored) return {};
  return {.rows = {CacheOracle::RowOf(value)}, .synced = SyncsPuts()};
}

}  // namespace larder::testing
