// What is thrown within the engine (std::bad_alloc, mostly) ends at its border.
#pragma once

#include <optional>

#include "larder/status.h"

namespace larder {

// Of the exception being handled: kInternal, "`who` threw std::bad_alloc". The type only: texts of
// exceptions can hold prompts.
Status FromCurrentException(const char* who);

// What `call` returns, a Status or a Result.
template <typename Call>
auto Guarded(const Call& call) -> decltype(call()) {
  try {
    return call();
  } catch (...) {
    return FromCurrentException("the engine");
  }
}

// What `call` returns, an optional.
template <typename Call>
auto GuardedRead(const Call& call) -> decltype(call()) {
  try {
    return call();
  } catch (...) {
    return std::nullopt;
  }
}

}  // namespace larder
