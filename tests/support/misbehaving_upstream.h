// The ways in which upstreams misbehave, by name, each to be served by a FakeUpstream in place of
// the good answer it is given. What a client makes of each is its fate.
#pragma once

#include <functional>
#include <string>
#include <string_view>
#include <vector>

#include "fake_upstream.h"

namespace larder::testing {

enum class Fate {
  kWhole,     // odd, but a whole answer: as good as any
  kUnstored,  // a whole answer, but none that may be kept
  kError,     // an error answer that is handed on as it is
  kRetried,   // nothing that may be handed on: worth another attempt
  kCut,       // began well and broke off
};

struct GoodAnswer {
  std::string content_type;
  std::string body;
  // Further fields of its head, and of the errors that stand in for it.
  std::string more_fields = {};
};

struct Misbehaviour {
  std::string name;
  Fate fate;
  std::function<void(UpstreamExchange&, const GoodAnswer&)> serve;
};

const std::vector<Misbehaviour>& Misbehaviours();

}  // namespace larder::testing
