// SoakCaller: one caller, who asks at random for this and that, on connections that it keeps for a
// while, and has every answer judged.
#pragma once

#include <cstdint>
#include <optional>
#include <random>
#include <string>

#include "soak_world.h"
#include "wire_client.h"

namespace larder::testing {

// A call of the soak's on its way.
struct SoakRequest {
  std::uint64_t number = 0;
  std::string text;  // all its bytes
};

// One thread.
class SoakCaller {
 public:
  SoakCaller(SoakWorld& world, std::uint64_t seed) : world_(world), random_(seed) {}

  // One random call or invalidation, well behaved or, one in twenty, not.
  void Step();
  // Gives its connection back.
  void Rest() { connection_.reset(); }

  // As many callers, each on a connection of its own, ask for one thing at once.
  void Burst(int callers);
  // One call that nobody asked for before, of each dialect. True if both are well; what is not is
  // no finding.
  bool Probe();

  std::uint64_t Random(std::uint64_t below) { return random_() % below; }
  bool OneIn(std::uint64_t many) { return Random(many) == 0; }
  // A random call, announced to the oracle.
  SoakRequest Announce(const char* how);
  SoakRequest Announce(const SoakCall& call);
  SoakCall Invent();
  // A new connection; none if there is nobody.
  std::optional<WireClient> Connect(int receive_buffer = 0);
  SoakWorld& world() { return world_; }

 private:
  SoakIdentity InventIdentity();
  void Ask();
  void Invalidate();
  std::string Text(std::uint64_t number, const SoakCall& call);
  std::string Directives(const SoakCall& call);

  SoakWorld& world_;
  std::mt19937_64 random_;
  std::optional<WireClient> connection_;
  int life_ = 0;  // of the gateway that it is to
};

}  // namespace larder::testing
