// What the Cache-Control fields of requests and of answers have in common (RFC 9111, section 5.2).
#pragma once

#include <cstddef>
#include <optional>
#include <string>
#include <string_view>

#include "larder/clock.h"

namespace larder::client {

// The elements of a comma-separated list, without blanks around them, in time linear in its length.
// Commas within quotes are part of an element. A quote that is never closed ends at the next comma,
// so that what follows still counts.
class ListElements {
 public:
  // `field` must outlive it, and what it takes off.
  explicit ListElements(std::string_view field) : rest_(field) {}

  bool AreLeft() const { return !rest_.empty(); }
  // The next one, which may be empty.
  std::string_view Take();

 private:
  std::size_t AfterQuote(std::size_t open);

  std::string_view rest_;
  // Once one is not closed, none is: what is between them is read the same from each.
  bool quotes_close_ = true;
};

struct CacheDirective {
  std::string name;  // in lower case
  bool has_value = false;
  std::string_view value = {};  // of `element`, quotes and all
};
CacheDirective ParseDirective(std::string_view element);

// `3600` or `"3600"` (senders must not quote it, but caches should understand it). More than
// 2^31 is that.
std::optional<Duration> ParseDeltaSeconds(std::string_view value);

}  // namespace larder::client
