#include "cache_oracle.h"

#include <algorithm>
#include <charconv>
#include <iterator>
#include <random>
#include <utility>

namespace larder::testing {
namespace {

Instant At(const std::map<std::string, Instant>& instants, const std::string& tag) {
  const auto found = instants.find(tag);
  return found == instants.end() ? 0 : found->second;
}

bool IsPrefix(const std::string& name) { return name.starts_with("prefix "); }

// When the ledger is full it drops its oldest eighth, at least one tag.
std::size_t KeptOf(std::size_t tags) { return tags - (tags - 1) / 8 - 1; }

constexpr std::string_view kPrefix = "value ";

}  // namespace

std::string MakeBody(std::uint64_t id, std::size_t size) {
  std::string body = std::string(kPrefix) + std::to_string(id) + ";";
  std::mt19937_64 random(id);
  while (body.size() < size) body.push_back(static_cast<char>(random()));
  return body;
}

std::uint64_t IdOfBody(std::string_view body) {
  if (!body.starts_with(kPrefix)) return 0;
  std::uint64_t id = 0;
  std::from_chars(body.data() + kPrefix.size(), body.data() + body.size(), id);
  return id;
}

std::string PrefixName(std::string_view prefix) { return "prefix " + std::string(prefix); }

Tags WithPrefixesOf(std::string_view key, Tags tags) {
  for (std::size_t size = 1; size <= key.size(); ++size) {
    tags.insert(PrefixName(key.substr(0, size)));
  }
  return tags;
}

CacheOracle::CacheOracle(std::size_t ledger_tags, bool one_log)
    : ledger_keeps_(KeptOf(ledger_tags)),
      ledger_keeps_soft_(KeptOf(std::max<std::size_t>(ledger_tags / 8, 1))),
      one_log_(one_log) {}

void CacheOracle::AddValue(WrittenValue value) { values_.emplace(value.id, std::move(value)); }

void CacheOracle::Apply(const Effect& effect) {
  for (const RowWritten& row : effect.rows) {
    rows_[row.key] = row;
    log_.push_back(row);
    if (row.id == 0) coverings_["key " + row.key].push_back(row.began);
  }
  if (effect.soft) {
    const Soft soft{.at = effect.at, .time = effect.time, .certain = true};
    for (const std::string& name : effect.invalidated) softened_["tag " + name].push_back(soft);
    if (effect.invalidated_all) softened_["all"].push_back(soft);
  } else {
    for (const std::string& tag : effect.invalidated) {
      invalidated_[tag] = effect.at;
      coverings_["tag " + tag].push_back(effect.at);
      times_["tag " + tag].push_back(effect.time);
    }
    if (effect.invalidated_all) {
      invalidated_all_ = effect.at;
      coverings_["all"].push_back(effect.at);
      times_["all"].push_back(effect.time);
    }
  }
  if (effect.synced) {
    durable_rows_ = rows_;
    log_.clear();
  }
}

bool CacheOracle::LedgerMayForget(Instant began) const {
  std::size_t newer = perhaps_invalidated_.size();
  for (const auto& [tag, instant] : invalidated_) {
    newer += instant > began && !IsPrefix(tag) ? 1 : 0;
  }
  return newer >= ledger_keeps_;
}

CacheOracle::Softened CacheOracle::SoftenedSince(Instant began, const Tags& names) const {
  return SoftenedIf([began](const Soft& soft) { return soft.at > began; }, names);
}

CacheOracle::Softened CacheOracle::SoftenedIf(const std::function<bool(const Soft&)>& counts,
                                              const Tags& names) const {
  Softened softened;
  std::size_t tags_newer = 0;
  TimePoint last_of_all{};
  for (const auto& [what, softs] : softened_) {
    const bool names_it = what == "all" || names.count(what.substr(4)) != 0;
    const bool newer = counts(softs.back());
    tags_newer += newer && what != "all" && !IsPrefix(what.substr(4)) ? 1 : 0;
    for (const Soft& soft : softs) {
      if (!counts(soft)) continue;
      last_of_all = std::max(last_of_all, soft.time);
      if (!names_it) continue;
      softened.first = std::min(softened.first, soft.time);
      if (soft.certain) {
        softened.last =
            softened.certainty == Certainty::kYes ? std::max(softened.last, soft.time) : soft.time;
        softened.certainty = Certainty::kYes;
      } else if (softened.certainty == Certainty::kNo) {
        softened.certainty = Certainty::kMaybe;
      } else if (softened.certainty == Certainty::kYes) {
        softened.last = std::max(softened.last, soft.time);
      }
    }
  }
  if (tags_newer >= ledger_keeps_soft_) {
    // Forgotten: then all that is older counts as softened, at any of these times.
    softened.first = TimePoint{};
    if (softened.certainty == Certainty::kYes) softened.last = last_of_all;
    if (softened.certainty == Certainty::kNo) softened.certainty = Certainty::kMaybe;
  }
  return softened;
}

// A row as it was found: its freshness may have been ended since it was written.
bool CacheOracle::IsSame(const RowWritten& row, const RowWritten& found) const {
  if (row.id != found.id || row.expires != found.expires) return false;
  if (row.fresh_until == found.fresh_until || row.id == 0) return true;
  const WrittenValue& value = values_.at(row.id);
  return found.fresh_until < row.fresh_until &&
         SoftenedSince(value.began, WithPrefixesOf(value.key, value.tags)).certainty !=
             Certainty::kNo;
}

Certainty CacheOracle::Holds(const std::string& key, Instant began, const Tags& tags) const {
  if (invalidated_all_ > began) return Certainty::kNo;
  bool perhaps_not = perhaps_invalidated_all_ > began || LedgerMayForget(began);
  for (const std::string& tag : WithPrefixesOf(key, tags)) {
    if (At(invalidated_, tag) > began) return Certainty::kNo;
    if (At(perhaps_invalidated_, tag) > began) perhaps_not = true;
  }
  return perhaps_not ? Certainty::kMaybe : Certainty::kYes;
}

bool CacheOracle::CoveredBetween(const std::string& key, const Tags& tags, Instant from,
                                 Instant to) const {
  const auto is_between = [&](const std::string& what) {
    const auto found = coverings_.find(what);
    return found != coverings_.end() &&
           std::any_of(found->second.begin(), found->second.end(),
                       [&](Instant instant) { return from < instant && instant < to; });
  };
  const Tags names = WithPrefixesOf(key, tags);
  return is_between("all") || is_between("key " + key) ||
         std::any_of(names.begin(), names.end(),
                     [&](const std::string& name) { return is_between("tag " + name); });
}

bool CacheOracle::IsSuperseded(const std::string& key, Instant began) const {
  const auto row = rows_.find(key);
  return row != rows_.end() && row->second.began > began;
}

Expectation CacheOracle::Expect(const std::string& key, const ReadSpec& read, TimePoint now) const {
  const auto row = rows_.find(key);
  if (row == rows_.end()) return {.why = "never written"};
  return ExpectOf(row->second, read, now);
}

Expectation CacheOracle::ExpectOf(const RowWritten& row, const ReadSpec& read,
                                  TimePoint now) const {
  if (row.id == 0) return {.why = "removed"};
  Expectation expect;
  const WrittenValue& value = values_.at(row.id);
  expect.id = value.id;
  const TimePoint written = row.fresh_until;
  const Softened of_entry = SoftenedSince(value.began, WithPrefixesOf(row.key, value.tags));
  expect.fresh_from = of_entry.From(written);
  expect.fresh_until = of_entry.Until(written);
  expect.expires = row.expires;
  if (now >= expect.expires) return {.why = "past its hard expiry"};
  Tags tags = value.tags;
  tags.insert(read.tags.begin(), read.tags.end());
  const Softened softened = SoftenedSince(value.began, WithPrefixesOf(row.key, tags));
  const TimePoint stale_from = softened.From(written);
  const TimePoint stale_at_most_from = softened.Until(written);
  expect.stale = now >= stale_at_most_from ? Certainty::kYes
                 : now >= stale_from       ? Certainty::kMaybe
                                           : Certainty::kNo;
  expect.hit = Holds(row.key, value.began, tags);
  if (expect.hit == Certainty::kNo) return {.why = "invalidated"};
  if (read.newer_than == kRefresh) return {.why = "a refresh"};
  if (read.newer_than != 0) {
    const std::uint64_t number = NumberOf(value.began);
    if (number != 0 && number <= read.newer_than) return {.why = "not newer than asked"};
    if (number == 0) expect.hit = Certainty::kMaybe;
  }
  Duration accepted = read.max_stale;
  if (read.window == StaleWindow::kWhileRevalidate) {
    accepted = std::max(accepted, row.while_revalidate);
  }
  if (read.window == StaleWindow::kIfError) accepted = std::max(accepted, row.if_error);
  const auto too_stale = [&](TimePoint fresh_until) {
    return now >= fresh_until && now - fresh_until >= accepted;
  };
  if (too_stale(stale_at_most_from)) return {.why = "too stale"};
  if (too_stale(stale_from)) expect.hit = Certainty::kMaybe;
  if (read.max_age.has_value() && now - value.created > *read.max_age) return {.why = "too old"};
  return expect;
}

RowWritten CacheOracle::RowOf(const WrittenValue& value) {
  return {.key = value.key,
          .began = value.began,
          .id = value.id,
          .fresh_until = value.fresh_until,
          .expires = value.expires,
          .while_revalidate = value.while_revalidate,
          .if_error = value.if_error};
}

CacheOracle::Touched CacheOracle::Touch(const std::string& key, Duration ttl, TimePoint now) const {
  const auto found = rows_.find(key);
  if (found == rows_.end()) return {};
  Touched touched{.live = Visible(found->second, now), .row = found->second};
  const RowWritten& row = found->second;
  const Duration stale = row.expires == kNever ? Duration(0) : row.expires - row.fresh_until;
  touched.row.fresh_until = ttl == kForever ? kNever : now + ttl;
  touched.row.expires = ttl == kForever ? kNever : now + ttl + stale;
  // What did not expire had no use for windows.
  if (row.expires == kNever) touched.row.while_revalidate = touched.row.if_error = Duration(0);
  return touched;
}

std::string CacheOracle::NoteNumber(Instant instant, std::uint64_t number) {
  const auto [place, is_new] = numbers_.emplace(instant, number);
  if (!is_new && place->second != number) {
    return "number " + std::to_string(number) + " was " + std::to_string(place->second) + " before";
  }
  const auto next = std::next(place);
  const bool below_next = next == numbers_.end() || next->second > number;
  const bool above_previous = place == numbers_.begin() || std::prev(place)->second < number;
  if (below_next && above_previous) return {};
  return "number " + std::to_string(number) + " is out of order";
}

std::uint64_t CacheOracle::NumberOf(Instant instant) const {
  const auto found = numbers_.find(instant);
  return found == numbers_.end() ? 0 : found->second;
}

Certainty CacheOracle::Visible(const RowWritten& row, TimePoint now) const {
  if (row.id == 0) return Certainty::kNo;
  const WrittenValue& value = values_.at(row.id);
  if (now >= row.expires) return Certainty::kNo;
  return Holds(value.key, value.began, value.tags);
}

std::string CacheOracle::Mismatch(const Rows& rows, const Found& found, TimePoint now) const {
  for (const auto& [key, left] : found) {
    const auto row = rows.find(key);
    if (row == rows.end() || !IsSame(row->second, left)) {
      return key + " has value " + std::to_string(left.id) + " (or its times) instead of " +
             (row == rows.end() ? "none" : std::to_string(row->second.id));
    }
    if (Visible(row->second, now) == Certainty::kNo) {
      return key + " has value " + std::to_string(left.id) + ", which is expired or invalidated";
    }
  }
  for (const auto& [key, row] : rows) {
    if (found.count(key) == 0 && Visible(row, now) == Certainty::kYes) {
      return key + " has lost value " + std::to_string(row.id);
    }
  }
  return {};
}

void CacheOracle::NoteUncertain(const Effect& pending) {
  if (pending.soft) {
    const Soft soft{.at = pending.at, .time = pending.time, .certain = false};
    for (const std::string& name : pending.invalidated) softened_["tag " + name].push_back(soft);
    if (pending.invalidated_all) softened_["all"].push_back(soft);
    return;
  }
  for (const std::string& tag : pending.invalidated) perhaps_invalidated_[tag] = pending.at;
  if (pending.invalidated_all) perhaps_invalidated_all_ = pending.at;
}

// What is there although it would be covered says that the invalidation did not happen.
void CacheOracle::SettleUncertain(const Found& found) {
  for (const auto& [key, left] : found) {
    const WrittenValue& value = values_.at(left.id);
    if (value.began < perhaps_invalidated_all_) perhaps_invalidated_all_ = 0;
    for (const std::string& tag : WithPrefixesOf(value.key, value.tags)) {
      if (At(perhaps_invalidated_, tag) > value.began) perhaps_invalidated_.erase(tag);
    }
  }
}

std::string CacheOracle::AdoptCrash(Crash how, const Effect& pending, const Found& found,
                                    TimePoint now) {
  NoteUncertain(pending);
  std::vector<RowWritten> log = log_;
  log.insert(log.end(), pending.rows.begin(), pending.rows.end());
  // None of what was acknowledged may be gone if the process was killed.
  const std::size_t least = how == Crash::kPowerLoss ? 0 : log_.size();
  std::string wrong = AdoptPrefix(log, least, found, now);
  if (how == Crash::kPowerLoss) {
    if (!wrong.empty() && !one_log_) wrong = AdoptEachKey(log, found, now);
    // Several records of one invalidation may reach the disk in any order. A journal with a gap is
    // damage, and then everything is forgotten: too much, never too little.
    if (!wrong.empty() && found.empty() && pending.invalidated.size() > 1) {
      rows_.clear();
      wrong.clear();
    }
    durable_rows_ = rows_;
    log_.clear();
  }
  if (wrong.empty()) SettleUncertain(found);
  ForgetUnfound(found);
  return wrong;
}

// What might have been there and is not will not be there later.
void CacheOracle::ForgetUnfound(const Found& found) {
  std::set<std::uint64_t> gone;
  for (const auto& [key, row] : rows_) {
    if (found.count(key) == 0) gone.insert(row.id);
  }
  const auto forget = [&gone](RowWritten& row) {
    if (gone.count(row.id) != 0) row.id = 0;
  };
  for (auto& [key, row] : rows_) forget(row);
  for (auto& [key, row] : durable_rows_) forget(row);
  for (RowWritten& row : log_) forget(row);
}

// The beginning of the log, all but the newest rows, at least `least` of them.
std::string CacheOracle::AdoptPrefix(const std::vector<RowWritten>& log, std::size_t least,
                                     const Found& found, TimePoint now) {
  std::string wrong;
  for (std::size_t kept = log.size() + 1; kept-- > least;) {
    Rows rows = durable_rows_;
    for (std::size_t i = 0; i < kept; ++i) rows[log[i].key] = log[i];
    const std::string mismatch = Mismatch(rows, found, now);
    if (mismatch.empty()) {
      rows_ = std::move(rows);
      log_.assign(log.begin(), log.begin() + static_cast<std::ptrdiff_t>(kept));
      return {};
    }
    if (wrong.empty()) wrong = mismatch;
  }
  return wrong;
}

// Of each key any of its rows since the last sync.
std::string CacheOracle::AdoptEachKey(const std::vector<RowWritten>& log, const Found& found,
                                      TimePoint now) {
  Rows rows;
  std::map<std::string, std::vector<RowWritten>> candidates;
  for (const auto& [key, row] : durable_rows_) candidates[key].push_back(row);
  for (const RowWritten& row : log) {
    if (durable_rows_.count(row.key) == 0) candidates[row.key].push_back({.key = row.key});
    candidates[row.key].push_back(row);
  }
  for (const auto& [key, of_key] : candidates) {
    const auto left = found.find(key);
    const auto fits = [&](const RowWritten& row) {
      const Certainty visible = Visible(row, now);
      if (left == found.end()) return visible != Certainty::kYes;
      return IsSame(row, left->second) && visible != Certainty::kNo;
    };
    const auto row = std::find_if(of_key.rbegin(), of_key.rend(), fits);
    if (row == of_key.rend()) return key + " has what it never had since the last sync";
    rows[key] = *row;
  }
  for (const auto& [key, left] : found) {
    if (candidates.count(key) == 0) return key + " was never written";
  }
  rows_ = std::move(rows);
  return {};
}

}  // namespace larder::testing
