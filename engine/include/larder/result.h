// Result<T>: a T, or the Status that says why there is none. A subset of absl::StatusOr.
#pragma once

#include <utility>
#include <variant>

#include "larder/status.h"

namespace larder {

template <typename T>
class [[nodiscard]] Result {
 public:
  // Implicit on purpose: `return value;` and `return status;` both read well.
  Result(T value) : state_(std::in_place_index<1>, std::move(value)) {}        // NOLINT
  Result(Status status) : state_(std::in_place_index<0>, std::move(status)) {  // NOLINT
    // A Result without a value needs an error.
    if (std::get<0>(state_).ok()) state_ = Status(StatusCode::kInternal, "ok, but without a value");
  }

  bool ok() const { return state_.index() == 1; }
  Status status() const { return ok() ? Status::Ok() : std::get<0>(state_); }

  // Only when ok().
  T& operator*() & { return std::get<1>(state_); }
  const T& operator*() const& { return std::get<1>(state_); }
  T&& operator*() && { return std::get<1>(std::move(state_)); }
  T* operator->() { return &std::get<1>(state_); }
  const T* operator->() const { return &std::get<1>(state_); }

 private:
  std::variant<Status, T> state_;
};

}  // namespace larder
