// SoakOracle: knows of every answer who asked for it, when its computation began, and whether it
// was given whole; judges by that what callers get.
//
// Order is known only where one thing ended before another began. What overlaps may have happened
// either way, and is no finding.
#pragma once

#include <cstdint>
#include <deque>
#include <map>
#include <mutex>
#include <optional>
#include <string>
#include <string_view>
#include <vector>

#include "calm.h"
#include "misbehaving_upstream.h"
#include "soak_call.h"
#include "soak_tally.h"
#include "wire_client.h"

namespace larder::testing {

// Header fields by which an exchange is known: of a request its call, of an answer its number.
inline constexpr std::string_view kSoakCallField = "x-soak-call";
inline constexpr std::string_view kSoakSerialField = "x-soak-serial";

// An attempt at the upstream, as it is to be answered.
struct SoakAttempt {
  SoakForm form;
  SoakAuthor author;
};

// Thread-safe.
class SoakOracle {
 public:
  SoakOracle(SoakTally& tally, const Calm& calm) : tally_(tally), calm_(calm) {}

  // A caller is about to send it. Returns its number.
  std::uint64_t Asking(SoakCall call);

  // What came to the upstream; nullopt: no call of the soak's. `seen`: what it asks for by its own
  // bytes.
  std::optional<SoakAttempt> Received(std::uint64_t call, const SoakIdentity& seen,
                                      const SoakForm& form);
  // What becomes of the answer, and by what misbehaviour. Whole, if it is, before its last byte is
  // sent.
  void Sending(std::uint64_t serial, Fate fate, const std::string& misbehaviour = {});

  // What a caller got in the end.
  void Judge(std::uint64_t call, const WireAnswer& answer);
  // A caller that left early gets no more than the beginning of its answer.
  void Abandoned(const std::string& how) { tally_.CountCall(how); }

  // An invalidation of tag `tag`, by an operator or by a caller of this identity's rights, that was
  // called at `call` and is acknowledged.
  void Invalidated(int tag, const SoakIdentity* by, SoakTime call);
  // An invalidation of all is about to be called; returns its number. It takes effect, if it does,
  // before it is ended.
  std::size_t InvalidatingAll();
  void EndedInvalidatingAll(std::size_t number, bool acknowledged);

  // What a crowd got that asked for one thing from `begin` on, which nobody else asks for: one
  // answer, and one more for each invalidation that may have come between.
  void JudgeCrowd(const SoakIdentity& identity, SoakTime begin,
                  const std::vector<WireAnswer>& answers);

 private:
  static constexpr int kAllTags = 255;
  struct Computation {
    std::uint64_t call = 0;
    SoakForm form = {};
    std::optional<Fate> fate = {};  // none: not yet known
    SoakTime sent = {};             // when the fate was known
    std::string misbehaviour = {};
  };
  struct Invalidation {
    SoakTime latest_call;  // of this one and all acknowledged before
    SoakTime acknowledged;
  };
  struct InvalidationOfAll {
    SoakTime call;
    SoakTime end = SoakTime::max();
  };
  // Who it covers: tag, and dialect, tenant and name space of a caller's.
  using Scope = std::string;
  // What the answer claims of itself.
  struct Claim {
    std::uint64_t serial = 0;
    bool stored = false;
    bool stale = false;
    bool collapsed = false;
  };

  static Scope ScopeOf(int tag, const SoakIdentity* by);
  void NoteInvalidation(const Scope& scope, SoakTime call);
  static Claim ReadClaim(const WireAnswer& answer);
  // For findings.
  std::string Origin(std::uint64_t serial) const;
  // What is wrong, or empty; `outcome` is what it counts as.
  std::string Look(std::uint64_t number, const SoakCall& call, const WireAnswer& answer,
                   std::string& outcome) const;
  std::string LookAtOwn(const SoakCall& call, const WireAnswer& answer, std::string& outcome) const;
  std::string LookAtSharing(std::uint64_t number, const SoakCall& call, const Claim& claim,
                            const Computation& computation, const SoakCall& leader) const;
  std::string LookAtStored(const SoakCall& call, const WireAnswer& answer, const Claim& claim,
                           const Computation& computation, const SoakCall& leader) const;
  std::string LookAtAge(const SoakCall& call, const WireAnswer& answer, const Claim& claim,
                        const Computation& computation, const SoakCall& leader) const;
  bool IsCovered(const SoakCall& reader, const SoakCall& leader) const;
  bool IsCoveredBy(const Scope& scope, const SoakCall& reader, const SoakCall& leader) const;

  SoakTally& tally_;
  const Calm& calm_;
  mutable std::mutex mutex_;
  // Guarded by mutex_, all of it. Numbers are places, plus one.
  std::deque<SoakCall> calls_;
  std::deque<Computation> computations_;
  std::map<Scope, std::vector<Invalidation>> invalidations_;
  std::deque<InvalidationOfAll> invalidations_of_all_;
  std::map<std::string, std::uint64_t> attempts_;
};

}  // namespace larder::testing
