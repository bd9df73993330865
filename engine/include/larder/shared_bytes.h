// SharedBytes: an immutable run of bytes together with what keeps it alive.
//
// Copying copies a pointer, never the bytes: a body travels from the hot tier, or from a
// running flight, to any number of readers without being copied.
#pragma once

#include <memory>
#include <string>
#include <string_view>
#include <utility>

namespace larder {

class SharedBytes {
 public:
  SharedBytes() = default;
  // Takes the string over.
  explicit SharedBytes(std::string bytes) {
    auto owner = std::make_shared<const std::string>(std::move(bytes));
    view_ = *owner;
    owner_ = std::move(owner);
  }
  // `view` must stay valid as long as `owner` lives.
  SharedBytes(std::shared_ptr<const void> owner, std::string_view view)
      : owner_(std::move(owner)), view_(view) {}

  std::string_view view() const { return view_; }
  std::size_t size() const { return view_.size(); }
  bool empty() const { return view_.empty(); }
  // A part of these bytes, kept alive by the same owner.
  SharedBytes Slice(std::size_t from, std::size_t count = std::string_view::npos) const {
    return {owner_, view_.substr(from, count)};
  }

 private:
  std::shared_ptr<const void> owner_;
  std::string_view view_;
};

}  // namespace larder
