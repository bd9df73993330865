#include "history.h"

#include <algorithm>
#include <functional>
#include <utility>

namespace larder::testing {
namespace {

// Spans of one kind, by their calls; asks whether one of them lies between two stamps.
class Spans {
 public:
  void Add(const Span& span) { spans_.push_back(span); }

  // To be called once, when all are added.
  void Prepare() {
    std::sort(spans_.begin(), spans_.end(),
              [](const Span& a, const Span& b) { return a.call < b.call; });
    earliest_end_.assign(spans_.size(), UINT64_MAX);
    for (std::size_t i = spans_.size(); i-- > 0;) {
      earliest_end_[i] = spans_[i].end;
      if (i + 1 < spans_.size())
        earliest_end_[i] = std::min(earliest_end_[i], earliest_end_[i + 1]);
    }
  }
  // Begun after `after`, ended before `before`.
  bool AnyWithin(Stamp after, Stamp before) const {
    const auto first = std::upper_bound(spans_.begin(), spans_.end(), after,
                                        [](Stamp stamp, const Span& s) { return stamp < s.call; });
    return first != spans_.end() &&
           earliest_end_[static_cast<std::size_t>(first - spans_.begin())] < before;
  }
  // Not wholly before `from` nor wholly after `to`.
  bool AnyTouching(Stamp from, Stamp to) const {
    return std::any_of(spans_.begin(), spans_.end(),
                       [&](const Span& s) { return s.end > from && s.call < to; });
  }

 private:
  std::vector<Span> spans_;
  std::vector<Stamp> earliest_end_;
};

class Checker {
 public:
  Checker(const std::vector<ThreadHistory>& threads, bool full_ledger);
  HistoryVerdict Check();

 private:
  void CheckRead(const ReadValue& read);
  void CheckNotReplaced(const ReadValue& read, const Computation& value);
  void CheckOneComputation(const std::vector<const Computation*>& of_key);
  void CheckNumbers();
  bool AnyCovering(const std::string& key, const Tags& tags,
                   const std::function<bool(const Spans&)>& matches) const;
  bool CoveredWithin(const std::string& key, const Tags& tags, Stamp after, Stamp before) const;
  bool CoveredTouching(const std::string& key, const Tags& tags, Stamp from, Stamp to) const;
  void Find(const std::string& what) { verdict_.findings.push_back(what); }

  const std::vector<ThreadHistory>& threads_;
  const bool full_ledger_;
  std::map<std::uint64_t, const Computation*> by_id_;
  std::map<std::string, std::vector<const Computation*>> by_key_;
  std::map<std::string, Spans> coverings_;  // "tag ...", "key ...", "prefix ...", "all"
  HistoryVerdict verdict_;
};

Checker::Checker(const std::vector<ThreadHistory>& threads, bool full_ledger)
    : threads_(threads), full_ledger_(full_ledger) {
  for (const ThreadHistory& thread : threads_) {
    for (const Computation& computation : thread.computations) {
      by_id_[computation.id] = &computation;
      by_key_[computation.key].push_back(&computation);
    }
    for (const Covering& covering : thread.coverings) {
      for (const std::string& tag : covering.tags) coverings_["tag " + tag].Add(covering.span);
      if (!covering.key.empty()) coverings_["key " + covering.key].Add(covering.span);
      if (!covering.prefix.empty()) coverings_["prefix " + covering.prefix].Add(covering.span);
      if (covering.all) coverings_["all"].Add(covering.span);
    }
    verdict_.operations +=
        thread.computations.size() + thread.coverings.size() + thread.reads.size() + thread.misses;
    verdict_.reads += thread.reads.size();
  }
  for (auto& [what, spans] : coverings_) spans.Prepare();
}

// Whether `matches` holds for one of the kinds of covering that `key` and `tags` fall under.
bool Checker::AnyCovering(const std::string& key, const Tags& tags,
                          const std::function<bool(const Spans&)>& matches) const {
  const auto holds = [&](const std::string& what) {
    const auto spans = coverings_.find(what);
    return spans != coverings_.end() && matches(spans->second);
  };
  if (holds("all") || holds("key " + key)) return true;
  for (std::size_t size = 1; size <= key.size(); ++size) {
    if (holds("prefix " + key.substr(0, size))) return true;
  }
  return std::any_of(tags.begin(), tags.end(),
                     [&](const std::string& tag) { return holds("tag " + tag); });
}

bool Checker::CoveredWithin(const std::string& key, const Tags& tags, Stamp after,
                            Stamp before) const {
  return AnyCovering(key, tags, [&](const Spans& spans) { return spans.AnyWithin(after, before); });
}

bool Checker::CoveredTouching(const std::string& key, const Tags& tags, Stamp from,
                              Stamp to) const {
  return AnyCovering(key, tags, [&](const Spans& spans) { return spans.AnyTouching(from, to); });
}

// P1: no value whose computation began before the call of an invalidation that was acknowledged
// before the read began.
void Checker::CheckRead(const ReadValue& read) {
  const auto found = by_id_.find(read.id);
  if (found == by_id_.end()) return Find("a body that nobody wrote");
  const Computation& value = *found->second;
  const std::string name = "value " + std::to_string(read.id) + " of " + read.key;
  if (value.key != read.key) return Find(name + " belongs to " + value.key);
  if (value.began.call > read.span.end) Find(name + " was read before it was computed");
  Tags tags = value.tags;
  tags.insert(read.tags.begin(), read.tags.end());
  if (CoveredWithin(read.key, tags, value.began.end, read.span.call)) {
    Find(name + (read.followed ? " reached a follower" : " was read") +
         " after its invalidation, at " + std::to_string(read.span.call));
  }
  if (read.followed) return;
  CheckNotReplaced(read, value);
}

// If what came after it was invalidated itself, a flight that is still being written may hand over
// the older value, which is valid.
void Checker::CheckNotReplaced(const ReadValue& read, const Computation& value) {
  const Computation* replaced_by = nullptr;
  for (const Computation* newer : by_key_[read.key]) {
    if (!newer->stored || newer->began.call < value.began.end) continue;
    if (CoveredTouching(newer->key, newer->tags, newer->began.call, read.span.end)) return;
    if (newer->ended.end < read.span.call) replaced_by = newer;
  }
  if (replaced_by == nullptr) return;
  Find("value " + std::to_string(value.id) + " of " + read.key + " was read after value " +
       std::to_string(replaced_by->id) + " had replaced it (" + read.how + ", at " +
       std::to_string(read.span.call) + ")");
}

// P7: between two invalidations no computation begins beside another that could be joined. One
// that could not be joined by a third caller (a refresh, or one whose tags were invalidated) has
// given way to that caller's.
void Checker::CheckOneComputation(const std::vector<const Computation*>& of_key) {
  const auto gave_way = [&](const Computation* first, const Computation* second) {
    return std::any_of(of_key.begin(), of_key.end(), [&](const Computation* third) {
      return third != first && third != second && third->leased &&
             third->began.end > first->began.call && third->began.call < second->began.end;
    });
  };
  for (const Computation* first : of_key) {
    if (!first->led) continue;
    for (const Computation* second : of_key) {
      if (!second->led || second->began.call < first->began.end ||
          second->began.end > first->ended.call) {
        continue;
      }
      Tags tags = first->tags;
      tags.insert(second->tags.begin(), second->tags.end());
      if (CoveredTouching(first->key, tags, first->began.call, second->began.end) ||
          gave_way(first, second)) {
        continue;
      }
      Find("values " + std::to_string(first->id) + " and " + std::to_string(second->id) + " of " +
           first->key + " were computed at the same time, from " +
           std::to_string(first->began.end) + " and " + std::to_string(second->began.end));
    }
  }
}

// Numbers order what does not overlap.
void Checker::CheckNumbers() {
  struct Numbered {
    Span span;
    std::uint64_t number;
  };
  std::vector<Numbered> all;
  for (const ThreadHistory& thread : threads_) {
    for (const Computation& c : thread.computations) {
      if (c.number != 0) all.push_back({c.began, c.number});
    }
    for (const Covering& c : thread.coverings) {
      if (c.number != 0) all.push_back({c.span, c.number});
    }
  }
  std::vector<Numbered> by_end = all;
  std::sort(all.begin(), all.end(),
            [](const Numbered& a, const Numbered& b) { return a.span.call < b.span.call; });
  std::sort(by_end.begin(), by_end.end(),
            [](const Numbered& a, const Numbered& b) { return a.span.end < b.span.end; });
  std::uint64_t greatest = 0;
  std::size_t ended = 0;
  for (const Numbered& item : all) {
    for (; ended < by_end.size() && by_end[ended].span.end < item.span.call; ++ended) {
      greatest = std::max(greatest, by_end[ended].number);
    }
    if (item.number <= greatest) Find("number " + std::to_string(item.number) + " came too late");
  }
}

HistoryVerdict Checker::Check() {
  for (const ThreadHistory& thread : threads_) {
    for (const ReadValue& read : thread.reads) CheckRead(read);
  }
  for (const auto& [key, of_key] : by_key_) {
    if (!full_ledger_) CheckOneComputation(of_key);
  }
  CheckNumbers();
  return std::move(verdict_);
}

}  // namespace

HistoryVerdict CheckHistory(const std::vector<ThreadHistory>& threads, bool full_ledger) {
  return Checker(threads, full_ledger).Check();
}

}  // namespace larder::testing
