// TraceRecorder: an Observer that writes down what is asked of a cache, as a trace that
// bench/hit_ratio reads: to find out what another budget, or another policy, would have kept.
#pragma once

#include <cstdint>
#include <memory>
#include <string>

#include "larder/observer.h"
#include "larder/result.h"

namespace larder {

// CSV with the columns key, size, miss_cost; a row for each hit and for each value stored, be it
// after a miss or not. `key` is a hash of the entry's key in hex, `size` what it takes in the
// store, `miss_cost` its cost in micro-USD, where that is not known its compute time in ms. Misses
// that nothing was stored for are not in it.
//
// Set as Options::observer. A row takes about a microsecond, and its caller waits for that.
class TraceRecorder : public Observer {
 public:
  // Creates the file `path`, mode 0600, or empties the one that is there. `next` is told everything
  // after this; null: nobody. It is not owned, and must outlive this.
  // Errors: kUnavailable.
  static Result<std::unique_ptr<TraceRecorder>> Create(const std::string& path,
                                                       Observer* next = nullptr);
  // Writes what is not written yet. The destructor does so, too.
  // Errors: kUnavailable: a write has failed, now or earlier; what came after that is not recorded.
  virtual Status Flush() = 0;
  virtual std::uint64_t rows() const = 0;  // recorded so far
};

}  // namespace larder
