// What the parts of the C interface share: handles, errors, and conversions.
#pragma once

#include <algorithm>
#include <cstdint>
#include <cstring>
#include <exception>
#include <memory>
#include <new>
#include <optional>
#include <string>
#include <string_view>
#include <vector>

#include "larder/cache.h"
#include "larder/larder.h"

struct larder_cache {
  std::unique_ptr<larder::Cache> cache;
};
struct larder_entry {
  larder::Entry entry;
  std::vector<std::string_view> tags;
};
struct larder_lease {
  larder::Lease lease;
};
struct larder_flight {
  larder::Flight flight;
};

namespace larder::c {

static_assert(LARDER_INTERNAL == static_cast<int>(StatusCode::kInternal));
static_assert(LARDER_UNAVAILABLE == static_cast<int>(StatusCode::kUnavailable));
static_assert(LARDER_NOT_STORED == static_cast<int>(larder::PutOutcome::kNotStored));

inline larder_code ToC(const Status& status, larder_error* error) {
  const auto code = static_cast<larder_code>(status.code());
  if (error == nullptr) return code;
  error->code = code;
  const std::size_t size = std::min(status.message().size(), sizeof(error->message) - 1);
  std::memcpy(error->message, status.message().data(), size);
  error->message[size] = '\0';
  return code;
}

// What could be thrown here is lack of memory; its text is not the caller's business.
template <typename Call>
larder_code Guarded(larder_error* error, const Call& call) noexcept {
  try {
    return ToC(call(), error);
  } catch (const std::bad_alloc&) {
    return ToC({StatusCode::kResourceExhausted, "out of memory"}, error);
  } catch (...) {
    return ToC({StatusCode::kInternal, "an exception"}, error);
  }
}

inline Status Missing(std::string_view what) {
  return {StatusCode::kInvalidArgument, std::string(what) + " is null"};
}

inline std::string_view View(const void* bytes, std::size_t size) {
  return size == 0 ? std::string_view() : std::string_view(static_cast<const char*>(bytes), size);
}

inline Duration ToDuration(std::int64_t ms) {
  return ms == LARDER_FOREVER ? larder::kForever : larder::Duration(ms);
}

inline std::optional<Duration> ToOptional(std::int64_t ms) {
  if (ms == LARDER_UNSET) return std::nullopt;
  return ToDuration(ms);
}

inline std::int64_t FromTime(larder::TimePoint time) {
  return time == larder::kNever ? LARDER_FOREVER : time.time_since_epoch().count();
}

// A null among the tags becomes an empty one, which every call refuses.
inline std::vector<std::string> ToTags(const char* const* tags, std::size_t count) {
  std::vector<std::string> all;
  for (std::size_t i = 0; i < count; ++i) {
    all.emplace_back(tags != nullptr && tags[i] != nullptr ? tags[i] : "");
  }
  return all;
}

ReadOptions ToReadOptions(const larder_read_options* options);
WriteOptions ToWriteOptions(const larder_write_options* options);

inline larder_entry* NewEntry(const Entry& entry) { return new larder_entry{entry, entry.tags()}; }

// A structure of a caller that was compiled with another version of the header, as ours: what it
// does not have is as in `taken`. `least`: the size of the fields that every caller sets.
template <typename Struct>
Status TakeStruct(const Struct& given, std::size_t least, Struct& taken) {
  constexpr std::size_t kMost = 4096;  // more was not initialized
  const std::size_t size = given.struct_size;
  if (size < least || size > kMost) {
    return {StatusCode::kInvalidArgument, "struct_size is " + std::to_string(size) +
                                              ", not the size of a structure of larder.h (" +
                                              std::to_string(sizeof(Struct)) +
                                              " here); initialize it first"};
  }
  const auto* bytes = reinterpret_cast<const char*>(&given);
  const auto is_set = [](char byte) { return byte != 0; };
  if (size > sizeof(Struct) && std::any_of(bytes + sizeof(Struct), bytes + size, is_set)) {
    return {StatusCode::kInvalidArgument,
            "a field is set that this version of the library, " LARDER_VERSION
            ", does not know: struct_size is " +
                std::to_string(size) + ", here " + std::to_string(sizeof(Struct))};
  }
  std::memcpy(static_cast<void*>(&taken), bytes, std::min(size, sizeof(Struct)));
  taken.struct_size = sizeof(Struct);
  return Status::Ok();
}

}  // namespace larder::c
