// Handoff: one value on its way from any thread to the coroutine that waits for it.
//
// The waiting coroutine sleeps on a timer of its own io_context; the value is put down under a
// lock, and the timer is cancelled through the IoGate. So a value that is there already costs no
// trip through the io_context, none is lost, and the giver may outlive the waiter and its thread.
#pragma once

#include <algorithm>
#include <atomic>
#include <boost/asio/as_tuple.hpp>
#include <boost/asio/awaitable.hpp>
#include <boost/asio/cancellation_state.hpp>
#include <boost/asio/io_context.hpp>
#include <boost/asio/post.hpp>
#include <boost/asio/steady_timer.hpp>
#include <boost/asio/this_coro.hpp>
#include <boost/asio/thread_pool.hpp>
#include <boost/asio/use_awaitable.hpp>
#include <exception>
#include <functional>
#include <memory>
#include <mutex>
#include <optional>
#include <type_traits>
#include <utility>

#include "io_gate.h"
#include "larder/clock.h"

namespace larder::client {

// Of `co_await boost::asio::this_coro::cancellation_state`. To wait for anything else after having
// been cancelled throws, so a coroutine asks this after a Wait() that may also have timed out.
inline bool IsCancelled(const boost::asio::cancellation_state& state) {
  return state.cancelled() != boost::asio::cancellation_type::none;
}

// Made and waited for on the io_context's thread.
template <typename T>
class Handoff {
 public:
  explicit Handoff(boost::asio::io_context& io)
      : timer_(std::make_shared<boost::asio::steady_timer>(io)),
        slot_(std::make_shared<Slot>(IoGate::Of(io), timer_)) {}

  // Gives the value: any thread, any time, the first one counts.
  std::function<void(T)> Giver() const {
    return [slot = slot_](T value) { slot->Give(std::move(value)); };
  }

  // Takes the value. nullopt: `timeout` passed (wait again if you like), or the coroutine was
  // cancelled (IsCancelled() says).
  boost::asio::awaitable<std::optional<T>> Wait(Duration timeout = kForever) {
    constexpr Duration kLong = std::chrono::hours(24 * 365);
    if (!slot_->BeginWait()) co_return slot_->Take();
    timer_->expires_after(std::min(timeout, kLong));
    const auto token = boost::asio::as_tuple(boost::asio::use_awaitable);
    co_await timer_->async_wait(token);
    std::optional<T> value = slot_->Take();
    const auto state = co_await boost::asio::this_coro::cancellation_state;
    if (IsCancelled(state)) value.reset();  // whoever was cancelled must not go on waiting
    co_return value;
  }

 private:
  struct Slot {
    Slot(std::shared_ptr<IoGate> gate_of_io, std::weak_ptr<boost::asio::steady_timer> wake)
        : gate(std::move(gate_of_io)), timer(std::move(wake)) {}

    void Give(T given) {
      const std::lock_guard lock(mutex);
      if (value.has_value()) return;
      value.emplace(std::move(given));
      if (!waiting) return;
      // The timer belongs to the waiter; it is looked at on its thread only.
      gate->Post([timer = timer] {
        if (const auto alive = timer.lock()) alive->cancel();
      });
    }
    // False if the value is there.
    bool BeginWait() {
      const std::lock_guard lock(mutex);
      waiting = !value.has_value();
      return waiting;
    }
    std::optional<T> Take() {
      const std::lock_guard lock(mutex);
      waiting = false;
      return std::exchange(value, std::nullopt);
    }

    const std::shared_ptr<IoGate> gate;
    const std::weak_ptr<boost::asio::steady_timer> timer;
    std::mutex mutex;
    std::optional<T> value;  // guarded by mutex
    bool waiting = false;    // guarded by mutex
  };

  std::shared_ptr<boost::asio::steady_timer> timer_;
  std::shared_ptr<Slot> slot_;
};

// Runs `work` on the pool and returns what it returns; nullopt as in Handoff::Wait. The work goes
// on then, and its result is dropped: it must own all that it uses.
template <typename Work>
boost::asio::awaitable<std::optional<std::invoke_result_t<Work>>> RunOnPool(
    boost::asio::io_context& io, boost::asio::thread_pool& pool, Work work, Duration timeout) {
  Handoff<std::invoke_result_t<Work>> handoff(io);
  boost::asio::post(pool, [give = handoff.Giver(), work = std::move(work)]() mutable {
    try {
      give(work());
    } catch (const std::exception&) {  // as if it never came back: the caller has a timeout
    }
  });
  co_return co_await handoff.Wait(timeout);
}

// Work that is done once, by whoever takes it first.
template <typename Work>
struct WorkForOne {
  explicit WorkForOne(Work what) : work(std::move(what)) {}
  bool Take() { return !taken.exchange(true); }
  Work work;
  std::atomic<bool> taken = false;
};

// Runs `work`, which does not throw, on the pool; or here, on `io`, if no thread there has begun it
// within `timeout`: all may be held up by a disk that hangs, and somebody waits for what it gives.
// Returns when it has begun there, or is done here.
template <typename Work>
boost::asio::awaitable<void> RunOnPoolOrHere(boost::asio::io_context& io,
                                             boost::asio::thread_pool& pool, Work work,
                                             Duration timeout) {
  const auto task = std::make_shared<WorkForOne<Work>>(std::move(work));
  Handoff<bool> begun(io);
  boost::asio::post(pool, [task, give = begun.Giver()] {
    if (!task->Take()) return;
    give(true);
    task->work();
  });
  static_cast<void>(co_await begun.Wait(timeout));
  if (task->Take()) task->work();
}

// The same for what `work` gives, which is waited for however long it takes once it has begun.
// nullopt: cancelled.
template <typename Work>
boost::asio::awaitable<std::optional<std::invoke_result_t<Work>>> GetFromPoolOrHere(
    boost::asio::io_context& io, boost::asio::thread_pool& pool, Work work, Duration timeout) {
  const auto task = std::make_shared<WorkForOne<Work>>(std::move(work));
  Handoff<bool> begun(io);
  Handoff<std::invoke_result_t<Work>> done(io);
  boost::asio::post(pool, [task, begin = begun.Giver(), give = done.Giver()] {
    if (!task->Take()) return;
    begin(true);
    give(task->work());
  });
  static_cast<void>(co_await begun.Wait(timeout));
  const auto state = co_await boost::asio::this_coro::cancellation_state;
  const bool here = task->Take();
  if (IsCancelled(state)) co_return std::nullopt;
  if (here) co_return task->work();
  co_return co_await done.Wait();
}

}  // namespace larder::client
