// CallGate: lets a number of calls through at a time; the others wait for their turn, in order.
#pragma once

#include <cstdint>
#include <functional>
#include <map>
#include <memory>
#include <mutex>
#include <utility>

#include "larder/client/call_limits.h"

namespace larder::client {

// Thread-safe. Owned jointly by whoever holds a permit or waits for one.
class CallGate : public std::enable_shared_from_this<CallGate> {
 public:
  explicit CallGate(const CallLimit& limit) : limit_(limit) {}

  // The right to make one call; dropping it lets the next one in.
  class Permit {
   public:
    explicit Permit(std::shared_ptr<CallGate> gate) : gate_(std::move(gate)) {}
    ~Permit() { gate_->Leave(); }
    Permit(const Permit&) = delete;
    Permit& operator=(const Permit&) = delete;

   private:
    const std::shared_ptr<CallGate> gate_;
  };
  using PermitPtr = std::shared_ptr<Permit>;
  // Given the permit, once, on any thread; must not block.
  using OnTurn = std::function<void(PermitPtr)>;

  // A place in the queue; dropping it gives it up. A permit given before stays given.
  class Place {
   public:
    Place(std::shared_ptr<CallGate> gate, std::uint64_t number)
        : gate_(std::move(gate)), number_(number) {}
    ~Place() { gate_->GiveUp(number_); }
    Place(const Place&) = delete;
    Place& operator=(const Place&) = delete;

   private:
    const std::shared_ptr<CallGate> gate_;
    const std::uint64_t number_;
  };

  // A permit at once; null if all are out.
  PermitPtr TryEnter();
  // A place in the queue; null if that is full. `on_turn` may be called before this returns.
  std::unique_ptr<Place> Queue(OnTurn on_turn);
  // Notes that a call was refused.
  void CountRefusal();

  CallStats Stats() const;
  const CallLimit& limit() const { return limit_; }

 private:
  void Leave();
  void GiveUp(std::uint64_t number);

  const CallLimit limit_;
  mutable std::mutex mutex_;
  // Guarded by mutex_. While somebody waits, all permits are out.
  std::size_t running_ = 0;
  std::map<std::uint64_t, OnTurn> queue_;
  std::uint64_t next_number_ = 0;
  std::uint64_t refused_ = 0;
};

}  // namespace larder::client
