// Cassette: a cache that records what a provider said, so that tests run without one.
//
// All callers share one scope, whatever their credentials, and nothing expires.
#pragma once

#include <cstdint>

namespace larder::client {

enum class CassetteMode : std::uint8_t {
  kNone,  // an ordinary cache
  // What is there is answered; all else is fetched and kept: truncated, refused and error answers
  // too, never an unfinished one.
  kRecord,
  // The provider is never asked: what is not there is a 504 that names the nearest recording.
  kReplay,
};

// The isolation scope of every request.
inline constexpr char kCassetteScope[] = "cassette";

}  // namespace larder::client
