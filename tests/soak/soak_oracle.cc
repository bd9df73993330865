#include "soak_oracle.h"

#include <algorithm>

namespace larder::testing {
namespace {

using std::chrono_literals::operator""s;

// Between the end of an answer at the upstream and its completion at a gateway that was stopped
// meanwhile, or had no share of the processor.
constexpr auto kLag = 15s;
// The upstream's deadline is 12 s, a gateway may be stopped for two, and a reader be slow.
constexpr auto kPatience = 30s;

bool IsOurs(int status) { return status == 502 || status == 503 || status == 504; }

// A stream that joins a flight of JSON begins before anything is known of the answer but that it
// will be; then only the body has the number.
std::string SerialIn(std::string_view body) {
  for (const std::string_view prefix : {"\"id\":\"chatcmpl-", "\"id\":\"msg_"}) {
    const std::size_t found = body.find(prefix);
    if (found == std::string_view::npos) continue;
    const std::size_t from = found + prefix.size();
    return std::string(body.substr(from, body.find('"', from) - from));
  }
  return "";
}

bool SameForUpstream(const SoakIdentity& a, const SoakIdentity& b) {
  return a.dialect == b.dialect && a.tenant == b.tenant && a.model == b.model &&
         a.prompt == b.prompt;
}

}  // namespace

std::uint64_t SoakOracle::Asking(SoakCall call) {
  call.begin = SoakClock::now();
  const std::lock_guard lock(mutex_);
  calls_.push_back(call);
  return calls_.size();
}

std::optional<SoakAttempt> SoakOracle::Received(std::uint64_t number, const SoakIdentity& seen,
                                                const SoakForm& form) {
  std::string finding;
  std::optional<SoakAttempt> attempt;
  {
    const std::lock_guard lock(mutex_);
    if (number == 0 || number > calls_.size()) return std::nullopt;
    SoakCall& call = calls_[number - 1];
    if (!call.received) call.received = SoakClock::now();
    computations_.push_back({.call = number, .form = form});
    ++attempts_[call.identity.Text()];
    attempt = {form, {computations_.size(), call.identity.Text(), call.identity.ModelName()}};
    if (!SameForUpstream(call.identity, seen)) {
      finding =
          "the upstream got a request of " + seen.Text() + " as that of " + call.identity.Text();
    } else if (call.only_if_cached) {
      finding = "only-if-cached went upstream: " + call.identity.Text();
    }
  }
  if (!finding.empty()) tally_.Find(finding);
  return attempt;
}

void SoakOracle::Sending(std::uint64_t serial, Fate fate, const std::string& misbehaviour) {
  const std::lock_guard lock(mutex_);
  Computation& computation = computations_[serial - 1];
  computation.fate = fate;
  computation.misbehaviour = misbehaviour;
  computation.sent = SoakClock::now();
}

void SoakOracle::JudgeCrowd(const SoakIdentity& identity, SoakTime begin,
                            const std::vector<WireAnswer>& answers) {
  if (!calm_.Was(begin, SoakClock::now())) return;
  std::uint64_t attempts = 0;
  std::uint64_t allowed = 1;
  {
    const std::lock_guard lock(mutex_);
    const auto found = attempts_.find(identity.Text());
    if (found != attempts_.end()) attempts = found->second;
    for (const InvalidationOfAll& one : invalidations_of_all_) {
      if (one.end >= begin) ++allowed;
    }
  }
  if (attempts <= allowed) return;
  // By them it is told whether the first answer was not kept, or kept and not found.
  std::map<std::string, std::uint64_t> got;
  for (const WireAnswer& answer : answers) {
    ++got[std::to_string(answer.status) + " of answer " + answer.header(kSoakSerialField) + ", " +
          answer.header("cache-status")];
  }
  std::string finding = std::to_string(attempts) + " calls upstream for one question of many, " +
                        identity.Text() + ", where " + std::to_string(allowed) + " may be:";
  for (const auto& [what, count] : got) finding += "\n  " + std::to_string(count) + " x " + what;
  tally_.Find(finding);
}

SoakOracle::Scope SoakOracle::ScopeOf(int tag, const SoakIdentity* by) {
  if (by == nullptr) return std::to_string(tag);
  return std::to_string(tag) + (by->dialect == SoakDialect::kChat ? "/c" : "/m") +
         std::to_string(by->tenant) + "/" + std::to_string(by->name_space);
}

void SoakOracle::Invalidated(int tag, const SoakIdentity* by, SoakTime call) {
  const std::lock_guard lock(mutex_);
  NoteInvalidation(ScopeOf(tag, by), call);
}

std::size_t SoakOracle::InvalidatingAll() {
  const std::lock_guard lock(mutex_);
  invalidations_of_all_.push_back({.call = SoakClock::now()});
  return invalidations_of_all_.size();
}

void SoakOracle::EndedInvalidatingAll(std::size_t number, bool acknowledged) {
  const std::lock_guard lock(mutex_);
  InvalidationOfAll& one = invalidations_of_all_[number - 1];
  one.end = SoakClock::now();
  if (acknowledged) NoteInvalidation(ScopeOf(kAllTags, nullptr), one.call);
}

void SoakOracle::NoteInvalidation(const Scope& scope, SoakTime call) {
  std::vector<Invalidation>& list = invalidations_[scope];
  const SoakTime before = list.empty() ? call : list.back().latest_call;
  list.push_back({std::max(call, before), SoakClock::now()});
}

bool SoakOracle::IsCoveredBy(const Scope& scope, const SoakCall& reader,
                             const SoakCall& leader) const {
  const auto found = invalidations_.find(scope);
  if (found == invalidations_.end()) return false;
  const std::vector<Invalidation>& list = found->second;
  const auto after = std::lower_bound(
      list.begin(), list.end(), reader.begin,
      [](const Invalidation& one, SoakTime begin) { return one.acknowledged < begin; });
  return after != list.begin() && *leader.received < (after - 1)->latest_call;
}

// Whether something covers the answer that was acknowledged before the read began and called after
// the computation had.
bool SoakOracle::IsCovered(const SoakCall& reader, const SoakCall& leader) const {
  if (IsCoveredBy(ScopeOf(kAllTags, nullptr), reader, leader)) return true;
  for (int tag = 0; tag < kSoakTags; ++tag) {
    if (((reader.tags | leader.tags) >> tag & 1) == 0) continue;
    if (IsCoveredBy(ScopeOf(tag, nullptr), reader, leader)) return true;
    if (IsCoveredBy(ScopeOf(tag, &leader.identity), reader, leader)) return true;
  }
  return false;
}

SoakOracle::Claim SoakOracle::ReadClaim(const WireAnswer& answer) {
  std::string serial = answer.header(kSoakSerialField);
  const std::string status = answer.header("cache-status");
  const auto says = [&](const char* text) { return status.find(text) != std::string::npos; };
  Claim claim;
  claim.collapsed = says("collapsed");
  if (serial.empty() && claim.collapsed) serial = SerialIn(answer.body);
  const bool digits = !serial.empty() && serial.size() < 19 &&
                      serial.find_first_not_of("0123456789") == std::string::npos;
  if (digits) claim.serial = std::stoull(serial);
  claim.stored = status.starts_with("larder; hit") || says("detail=stale-if-error");
  claim.stale = claim.stored && says("ttl=-");
  return claim;
}

std::string SoakOracle::Origin(std::uint64_t serial) const {
  if (serial == 0 || serial > computations_.size()) return "unknown";
  const Computation& computation = computations_[serial - 1];
  return std::to_string(serial) + " to call " + std::to_string(computation.call) +
         (computation.form.stream ? " as a stream" : " as JSON") +
         (computation.misbehaviour.empty() ? "" : " by " + computation.misbehaviour);
}

void SoakOracle::Judge(std::uint64_t number, const WireAnswer& answer) {
  std::string outcome;
  std::string finding;
  {
    const std::lock_guard lock(mutex_);
    const SoakCall& call = calls_[number - 1];
    finding = Look(number, call, answer, outcome);
    if (finding.empty() && SoakClock::now() - call.begin > kPatience) finding = "took too long";
    if (!finding.empty()) {
      finding += " (call " + std::to_string(number) + " of " + call.identity.Text() + ", " +
                 call.how + ", status " + std::to_string(answer.status) + ", answer " +
                 answer.header(kSoakSerialField) + ", " + answer.header("cache-status") + ")";
    }
  }
  tally_.CountCall(outcome);
  if (!finding.empty()) tally_.Find(finding);
}

// No answer of the upstream's: none at all, or one of the gateway's own.
std::string SoakOracle::LookAtOwn(const SoakCall& call, const WireAnswer& answer,
                                  std::string& outcome) const {
  if (answer.status == 504 && call.only_if_cached) {
    outcome = "not cached";
    return "";
  }
  outcome = answer.status == 0 ? "no answer" : "gateway's error";
  // It has begun as a stream, and has nothing but comments or an error in it.
  const bool failed_stream =
      answer.status == 200 && call.form.stream && ReadClaim(answer).collapsed;
  const bool ours = answer.status == 0 || IsOurs(answer.status) || failed_stream;
  if (!ours) return "an answer of nobody's";
  if (call.may_fail || !calm_.Was(call.begin, SoakClock::now())) return "";
  return outcome + " while nothing was wrong";
}

std::string SoakOracle::LookAtSharing(std::uint64_t number, const SoakCall& call,
                                      const Claim& claim, const Computation& computation,
                                      const SoakCall& leader) const {
  if (leader.identity != call.identity) return "the answer of another, " + leader.identity.Text();
  if (computation.call == number) return "";
  if (!claim.stored && !claim.collapsed) return "a miss with the answer to another call";
  if (call.no_store) return "no-store, and yet the answer to another call";
  if (leader.no_store) return "the answer to a call with no-store";
  if (call.no_cache && *leader.received < call.begin) return "no-cache, and yet an older answer";
  if (IsCovered(call, leader)) return "what was invalidated before it was asked for";
  return "";
}

std::string SoakOracle::LookAtAge(const SoakCall& call, const WireAnswer& answer,
                                  const Claim& claim, const Computation& computation,
                                  const SoakCall& leader) const {
  const std::chrono::seconds ttl =
      leader.ttl_seconds ? std::chrono::seconds(*leader.ttl_seconds) : kSoakDefaultTtl;
  if (ttl == 0s) return "an answer whose lifetime is none";
  const auto stale = kSoakStaleWindows[leader.identity.model];
  if (claim.stale && stale == 0s) return "stale, which nobody allowed";
  if (call.begin - computation.sent > ttl + stale + kLag) return "past its hard expiry";
  if (!call.max_age_seconds) return "";
  const std::chrono::seconds most(*call.max_age_seconds);
  const std::string age = answer.header("age");
  if (!claim.stale && !age.empty() && std::chrono::seconds(std::stol(age)) > most) {
    return "older by its Age than max-age";
  }
  const bool too_old = !claim.stale && call.begin - computation.sent > most + kLag;
  return too_old ? "older than max-age" : "";
}

std::string SoakOracle::LookAtStored(const SoakCall& call, const WireAnswer& answer,
                                     const Claim& claim, const Computation& computation,
                                     const SoakCall& leader) const {
  if (call.no_cache || call.no_store) return "from the store in spite of cache-control";
  if (computation.fate != Fate::kWhole) return "stored, what must not have been";
  return LookAtAge(call, answer, claim, computation, leader);
}

std::string SoakOracle::Look(std::uint64_t number, const SoakCall& call, const WireAnswer& answer,
                             std::string& outcome) const {
  const Claim claim = ReadClaim(answer);
  if (claim.serial == 0) return LookAtOwn(call, answer, outcome);
  outcome = claim.stale ? "stale hit" : claim.stored ? "hit" : claim.collapsed ? "joined" : "miss";
  if (claim.serial > computations_.size()) return "an answer that nobody gave";
  const Computation& computation = computations_[claim.serial - 1];
  const SoakCall& leader = calls_[computation.call - 1];
  std::string wrong = LookAtSharing(number, call, claim, computation, leader);
  if (wrong.empty() && claim.stored) {
    wrong = LookAtStored(call, answer, claim, computation, leader);
  }
  if (!wrong.empty()) return wrong;

  if (!answer.whole || answer.status != 200) {
    outcome = answer.whole ? "upstream's error" : "cut";
    if (answer.whole && computation.fate == Fate::kWhole) return "a whole answer became an error";
    if (call.may_fail || !calm_.Was(call.begin, SoakClock::now())) return "";
    return outcome + " while nothing was wrong";
  }
  if (computation.fate == Fate::kUnstored) {
    outcome += ", odd";
    return "";
  }
  if (computation.fate != Fate::kWhole) return "what was cut or failed, as if it were whole";
  const bool verbatim = computation.call == number && !claim.stored;
  const SoakAuthor author{claim.serial, leader.identity.Text(), leader.identity.ModelName()};
  wrong = WrongWithAnswer(computation.form, call.form, author, answer.body, verbatim);
  return wrong.empty() ? "" : "wrong bytes: " + wrong;
}

}  // namespace larder::testing
