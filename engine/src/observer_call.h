// ObserverCall: which caches are telling their observer something on this thread.
#pragma once

namespace larder {

// On the stack around a call of an observer.
class ObserverCall {
 public:
  explicit ObserverCall(const void* cache) : cache_(cache), outer_(innermost_) {
    innermost_ = this;
  }
  ~ObserverCall() { innermost_ = outer_; }
  ObserverCall(const ObserverCall&) = delete;
  ObserverCall& operator=(const ObserverCall&) = delete;

  static bool IsUnderway(const void* cache) {
    for (const ObserverCall* call = innermost_; call != nullptr; call = call->outer_) {
      if (call->cache_ == cache) return true;
    }
    return false;
  }

 private:
  static inline thread_local const ObserverCall* innermost_ = nullptr;
  const void* const cache_;
  const ObserverCall* const outer_;
};

}  // namespace larder
