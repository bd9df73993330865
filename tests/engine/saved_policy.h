// What an eviction policy saves, as one string.
#pragma once

#include <algorithm>
#include <string>
#include <string_view>

#include "eviction_policy.h"

namespace larder::testing {

inline std::string Saved(const EvictionPolicy& policy) {
  std::string saved;
  const Status status = policy.Save([&saved](std::string_view piece) {
    saved += piece;
    return Status::Ok();
  });
  return status.ok() ? saved : status.ToString();
}

inline ByteSource SourceOf(std::string_view bytes) {
  return {.size = bytes.size(), .read = [bytes](std::uint64_t at, std::span<char> out) {
            std::copy_n(bytes.begin() + static_cast<std::ptrdiff_t>(at), out.size(), out.begin());
            return Status::Ok();
          }};
}

}  // namespace larder::testing
