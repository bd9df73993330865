// Crowd: the callers who wait for the answer of one flight, in all threads of the process. It tells
// when the last of them has left.
#pragma once

#include <cstdint>
#include <functional>
#include <memory>
#include <mutex>

namespace larder::client {

// Thread-safe.
class Crowd : public std::enable_shared_from_this<Crowd> {
 public:
  // Whoever holds it is one of them; null is nobody.
  using Seat = std::shared_ptr<const void>;

  static std::shared_ptr<Crowd> Make();
  // By its number, which can travel where a pointer cannot; null once it is gone.
  static std::shared_ptr<Crowd> Find(std::uint64_t number);
  ~Crowd();
  Crowd(const Crowd&) = delete;
  Crowd& operator=(const Crowd&) = delete;

  std::uint64_t number() const { return number_; }
  Seat Join();
  // Called once, on the thread of the last who leaves, when there were some and none is left. Set
  // before the first joins.
  void OnDeserted(std::function<void()> callback);

 private:
  explicit Crowd(std::uint64_t number) : number_(number) {}
  void Leave();

  const std::uint64_t number_;
  std::mutex mutex_;
  int seats_ = 0;                      // guarded by mutex_
  std::function<void()> on_deserted_;  // guarded by mutex_
};

}  // namespace larder::client
