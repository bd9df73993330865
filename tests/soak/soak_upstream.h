// SoakUpstream: the soak's provider. Answers well, or misbehaves as it is told.
#pragma once

#include <atomic>
#include <memory>
#include <mutex>
#include <random>
#include <string>
#include <vector>

#include "fake_upstream.h"
#include "soak_oracle.h"

namespace larder::testing {

// Thread-safe, but for Crash and Return.
class SoakUpstream {
 public:
  SoakUpstream(SoakOracle& oracle, SoakTally& tally, std::uint64_t seed);

  std::string url() const { return "http://127.0.0.1:" + std::to_string(port_); }

  // From now on so many of a hundred answers are misbehaviours, of one of these names; any if none
  // is named.
  void Misbehave(unsigned percent, const std::vector<std::string>& names = {});
  void Behave() { Misbehave(0); }
  // All connections are gone, and nobody listens, until Return.
  void Crash() { server_.reset(); }
  void Return();

 private:
  void Serve(UpstreamExchange& exchange);
  // How this attempt is to go wrong; null: not at all.
  const Misbehaviour* Choose();
  std::uint64_t Random(std::uint64_t below);
  void AnswerWell(UpstreamExchange& exchange, const SoakAttempt& attempt, const std::string& body,
                  const std::string& fields);
  void Stream(UpstreamExchange& exchange, const SoakAttempt& attempt, const std::string& body,
              const std::string& fields);

  SoakOracle& oracle_;
  SoakTally& tally_;
  int port_ = 0;
  std::mutex mutex_;
  std::mt19937_64 random_;                  // guarded by mutex_
  unsigned percent_ = 0;                    // guarded by mutex_
  std::vector<const Misbehaviour*> wrong_;  // guarded by mutex_
  std::unique_ptr<FakeUpstream> server_;
};

}  // namespace larder::testing
