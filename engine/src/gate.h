// Gate: lets calls use something until it is shut, and shutting wait for those inside.
#pragma once

#include "turnstile.h"

namespace larder {

// Thread-safe. Open when made. Entering costs what it costs at a turnstile.
class Gate {
 public:
  using Pass = Turnstile::Pass;

  Gate() { Open(); }

  // False if shut.
  Pass Enter() { return turnstile_.Enter(Admission::kAll); }
  bool shut() const { return turnstile_.admitted() == Admission::kNone; }

  // Lets nobody in any more. False if it was shut before.
  bool Forbid() { return turnstile_.Admit(Admission::kNone) != Admission::kNone; }
  // After Forbid: whether everybody has left.
  bool IsEmpty() const { return turnstile_.IsEmpty(); }
  // After Forbid: waits until nobody is inside.
  void WaitUntilEmpty() const { turnstile_.WaitUntilEmpty(); }
  // Both.
  void Shut() {
    Forbid();
    WaitUntilEmpty();
  }
  void Open() { turnstile_.Admit(Admission::kAll); }

 private:
  Turnstile turnstile_;
};

}  // namespace larder
