// Calm: when nothing was done that a caller may notice. A call that fails then is a finding.
#pragma once

#include <algorithm>
#include <list>
#include <mutex>

#include "soak_call.h"

namespace larder::testing {

// Thread-safe.
class Calm {
  struct Span {
    SoakTime begin;
    SoakTime end;
  };

 public:
  // From its making until `grace` after its end there is no calm.
  class Disturbance {
   public:
    Disturbance(Calm& calm, std::chrono::milliseconds grace) : calm_(calm), grace_(grace) {
      const std::lock_guard lock(calm_.mutex_);
      calm_.spans_.push_front({SoakClock::now(), SoakTime::max()});
      span_ = calm_.spans_.begin();
    }
    ~Disturbance() {
      const std::lock_guard lock(calm_.mutex_);
      span_->end = SoakClock::now() + grace_;
    }
    Disturbance(const Disturbance&) = delete;
    Disturbance& operator=(const Disturbance&) = delete;

   private:
    Calm& calm_;
    const std::chrono::milliseconds grace_;
    std::list<Span>::iterator span_;
  };

  bool Was(SoakTime begin, SoakTime end) const {
    const std::lock_guard lock(mutex_);
    return std::none_of(spans_.begin(), spans_.end(),
                        [&](const Span& span) { return span.begin <= end && begin <= span.end; });
  }

 private:
  mutable std::mutex mutex_;
  std::list<Span> spans_;  // guarded by mutex_
};

}  // namespace larder::testing
