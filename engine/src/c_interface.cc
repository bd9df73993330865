// The C interface (larder/larder.h) over larder/cache.h: converts, owns nothing, lets no exception
// out.
#include <algorithm>
#include <cstring>
#include <exception>
#include <memory>
#include <new>
#include <string>
#include <string_view>
#include <utility>
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

namespace {

using larder::Status;
using larder::StatusCode;

static_assert(LARDER_INTERNAL == static_cast<int>(StatusCode::kInternal));
static_assert(LARDER_UNAVAILABLE == static_cast<int>(StatusCode::kUnavailable));
static_assert(LARDER_NOT_STORED == static_cast<int>(larder::PutOutcome::kNotStored));

larder_code ToC(const Status& status, larder_error* error) {
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

Status Missing(std::string_view what) {
  return {StatusCode::kInvalidArgument, std::string(what) + " is null"};
}

std::string_view View(const void* bytes, std::size_t size) {
  return size == 0 ? std::string_view() : std::string_view(static_cast<const char*>(bytes), size);
}

larder::Duration ToDuration(std::int64_t ms) {
  return ms == LARDER_FOREVER ? larder::kForever : larder::Duration(ms);
}

std::optional<larder::Duration> ToOptional(std::int64_t ms) {
  if (ms == LARDER_UNSET) return std::nullopt;
  return ToDuration(ms);
}

std::int64_t FromTime(larder::TimePoint time) {
  return time == larder::kNever ? LARDER_FOREVER : time.time_since_epoch().count();
}

// A null among the tags becomes an empty one, which every call refuses.
std::vector<std::string> ToTags(const char* const* tags, std::size_t count) {
  std::vector<std::string> all;
  for (std::size_t i = 0; i < count; ++i) {
    all.emplace_back(tags != nullptr && tags[i] != nullptr ? tags[i] : "");
  }
  return all;
}

larder::ReadOptions ToReadOptions(const larder_read_options* options) {
  larder::ReadOptions read;
  if (options == nullptr) return read;
  read.tags = ToTags(options->tags, options->tag_count);
  if (options->max_age_ms != 0) read.max_age = ToDuration(options->max_age_ms);
  read.max_stale = ToDuration(options->max_stale_ms);
  if (options->refresh != 0) read.newer_than = larder::kRefresh;
  if (options->while_revalidate != 0) read.stale_window = larder::StaleWindow::kWhileRevalidate;
  return read;
}

larder::WriteOptions ToWriteOptions(const larder_write_options* options) {
  larder::WriteOptions write;
  if (options == nullptr) return write;
  write.ttl = ToOptional(options->ttl_ms);
  write.stale_while_revalidate = ToOptional(options->stale_while_revalidate_ms);
  write.stale_if_error = ToOptional(options->stale_if_error_ms);
  write.tags = ToTags(options->tags, options->tag_count);
  write.cost_microusd = options->cost_microusd;
  write.compute_time = ToOptional(options->compute_time_ms);
  write.metadata = View(options->metadata, options->metadata_size);
  return write;
}

larder_entry* NewEntry(const larder::Entry& entry) { return new larder_entry{entry, entry.tags()}; }

larder::Options ToOptions(const larder_options& c) {
  larder::Options options;
  options.directory = c.directory != nullptr ? c.directory : "";
  options.max_disk_bytes = c.max_disk_bytes;
  options.max_memory_bytes = c.max_memory_bytes;
  options.max_body_bytes = c.max_body_bytes;
  options.default_ttl = ToDuration(c.default_ttl_ms);
  options.ttl_jitter = c.ttl_jitter;
  options.stale_while_revalidate = ToDuration(c.stale_while_revalidate_ms);
  options.stale_if_error = ToDuration(c.stale_if_error_ms);
  options.durability = c.sync_puts != 0 ? larder::Durability::kSync : larder::Durability::kProcess;
  options.on_corruption =
      c.fail_on_corruption != 0 ? larder::OnCorruption::kFail : larder::OnCorruption::kQuarantine;
  options.compression.level = c.compression_level;
  if (c.log != nullptr) {
    options.log = [log = c.log, context = c.log_context](larder::LogLevel level,
                                                         std::string_view line) {
      log(context, static_cast<int>(level), line.data(), line.size());
    };
  }
  return options;
}

Status Invalidate(larder_cache* cache, const larder::Invalidation& what, std::uint64_t* number) {
  if (cache == nullptr) return Missing("cache");
  const larder::Result<std::uint64_t> taken = cache->cache->Invalidate(what);
  if (taken.ok() && number != nullptr) *number = *taken;
  return taken.status();
}

// The entry, or the error, of a flight that has ended.
larder_entry* Outcome(const larder::FlightEnd& end) {
  return end.entry.has_value() ? NewEntry(*end.entry) : nullptr;
}

}  // namespace

extern "C" {

const char* larder_version(void) { return LARDER_VERSION; }

void larder_options_init(larder_options* options) {
  if (options == nullptr) return;
  const larder::Options defaults;
  *options = {};
  options->struct_size = sizeof(larder_options);
  options->max_disk_bytes = defaults.max_disk_bytes;
  options->max_memory_bytes = defaults.max_memory_bytes;
  options->max_body_bytes = defaults.max_body_bytes;
  options->default_ttl_ms = defaults.default_ttl.count();
  options->compression_level = defaults.compression.level;
}

larder_code larder_open(const larder_options* options, larder_cache** cache, larder_error* error) {
  return Guarded(error, [&]() -> Status {
    if (options == nullptr || cache == nullptr) return Missing("options or cache");
    *cache = nullptr;
    if (options->struct_size != sizeof(larder_options)) {
      return {StatusCode::kInvalidArgument,
              "struct_size is " + std::to_string(options->struct_size) + " instead of " +
                  std::to_string(sizeof(larder_options)) + "; call larder_options_init first"};
    }
    larder::Result<std::unique_ptr<larder::Cache>> opened =
        larder::Cache::Open(ToOptions(*options));
    if (!opened.ok()) return opened.status();
    *cache = new larder_cache{*std::move(opened)};
    return Status::Ok();
  });
}

larder_code larder_close(larder_cache* cache, larder_error* error) {
  return Guarded(error,
                 [&] { return cache != nullptr ? cache->cache->Close() : Missing("cache"); });
}

void larder_free(larder_cache* cache) { delete cache; }

larder_code larder_get(larder_cache* cache, const void* key, size_t key_size,
                       const larder_read_options* options, larder_entry** entry,
                       larder_error* error) {
  return Guarded(error, [&]() -> Status {
    if (cache == nullptr || entry == nullptr) return Missing("cache or entry");
    *entry = nullptr;
    const std::optional<larder::Hit> hit =
        cache->cache->Get(View(key, key_size), ToReadOptions(options));
    if (hit.has_value()) *entry = NewEntry(hit->entry);
    return Status::Ok();
  });
}

void larder_entry_get_info(const larder_entry* entry, larder_entry_info* info) {
  if (entry == nullptr || info == nullptr) return;
  const larder::Entry& e = entry->entry;
  info->body = e.body().data();
  info->body_size = e.body().size();
  info->metadata = e.metadata().data();
  info->metadata_size = e.metadata().size();
  info->created_unix_ms = FromTime(e.created());
  info->fresh_until_unix_ms = FromTime(e.fresh_until());
  info->expires_unix_ms = FromTime(e.expires());
  info->cost_microusd = e.cost_microusd();
  info->compute_time_ms = e.compute_time().count();
  info->number = e.number();
  info->tag_count = entry->tags.size();
}

const char* larder_entry_tag(const larder_entry* entry, size_t index, size_t* tag_size) {
  if (entry == nullptr || index >= entry->tags.size()) return nullptr;
  if (tag_size != nullptr) *tag_size = entry->tags[index].size();
  return entry->tags[index].data();
}

void larder_entry_free(larder_entry* entry) { delete entry; }

void larder_write_options_init(larder_write_options* options) {
  if (options == nullptr) return;
  *options = {};
  options->ttl_ms = LARDER_UNSET;
  options->stale_while_revalidate_ms = LARDER_UNSET;
  options->stale_if_error_ms = LARDER_UNSET;
  options->compute_time_ms = LARDER_UNSET;
}

larder_code larder_put(larder_cache* cache, const void* key, size_t key_size, const void* body,
                       size_t body_size, const larder_write_options* options,
                       larder_put_outcome* outcome, larder_error* error) {
  return Guarded(error, [&]() -> Status {
    if (outcome != nullptr) *outcome = LARDER_NOT_STORED;
    if (cache == nullptr) return Missing("cache");
    const larder::Result<larder::PutOutcome> put =
        cache->cache->Put(View(key, key_size), View(body, body_size), ToWriteOptions(options));
    if (put.ok() && outcome != nullptr) *outcome = static_cast<larder_put_outcome>(*put);
    return put.status();
  });
}

larder_code larder_remove(larder_cache* cache, const void* key, size_t key_size,
                          larder_error* error) {
  return Guarded(error, [&] {
    return cache != nullptr ? cache->cache->Remove(View(key, key_size)) : Missing("cache");
  });
}

larder_code larder_invalidate_tags(larder_cache* cache, const char* const* tags, size_t tag_count,
                                   uint64_t* number, larder_error* error) {
  return Guarded(error,
                 [&] { return Invalidate(cache, {.tags = ToTags(tags, tag_count)}, number); });
}

larder_code larder_invalidate_all(larder_cache* cache, uint64_t* number, larder_error* error) {
  return Guarded(error, [&] { return Invalidate(cache, {.all = true}, number); });
}

larder_code larder_sync(larder_cache* cache, larder_error* error) {
  return Guarded(error, [&] { return cache != nullptr ? cache->cache->Sync() : Missing("cache"); });
}

larder_code larder_acquire(larder_cache* cache, const void* key, size_t key_size,
                           const larder_read_options* options, larder_acquired* acquired,
                           larder_error* error) {
  return Guarded(error, [&]() -> Status {
    if (cache == nullptr || acquired == nullptr) return Missing("cache or acquired");
    *acquired = {};
    larder::Acquired got = cache->cache->Acquire(View(key, key_size), ToReadOptions(options));
    if (const auto* hit = std::get_if<larder::Hit>(&got)) {
      acquired->entry = NewEntry(hit->entry);
      acquired->stale = hit->stale ? 1 : 0;
    } else if (auto* stale = std::get_if<larder::StaleHit>(&got)) {
      acquired->entry = NewEntry(stale->hit.entry);
      acquired->stale = 1;
      acquired->lease = new larder_lease{std::move(stale->lease)};
    } else if (auto* lease = std::get_if<larder::Lease>(&got)) {
      acquired->lease = new larder_lease{std::move(*lease)};
      acquired->kind = LARDER_LEASE;
    } else {
      acquired->flight = new larder_flight{std::get<larder::Flight>(std::move(got))};
      acquired->kind = LARDER_FLIGHT;
    }
    return Status::Ok();
  });
}

larder_code larder_lease_append(larder_lease* lease, const void* piece, size_t piece_size,
                                larder_error* error) {
  return Guarded(error, [&]() -> Status {
    if (lease == nullptr) return Missing("lease");
    lease->lease.Append(larder::SharedBytes(std::string(View(piece, piece_size))));
    return Status::Ok();
  });
}

larder_code larder_lease_commit(larder_lease* lease, const void* body, size_t body_size,
                                const larder_write_options* options, larder_entry** entry,
                                larder_put_outcome* outcome, larder_error* error) {
  const std::unique_ptr<larder_lease> owned(lease);
  return Guarded(error, [&]() -> Status {
    if (entry != nullptr) *entry = nullptr;
    if (outcome != nullptr) *outcome = LARDER_NOT_STORED;
    if (owned == nullptr) return Missing("lease");
    const larder::Committed committed =
        owned->lease.Commit(View(body, body_size), ToWriteOptions(options));
    if (outcome != nullptr) *outcome = static_cast<larder_put_outcome>(committed.outcome);
    if (entry != nullptr) *entry = NewEntry(committed.entry);
    return committed.status;
  });
}

void larder_lease_abandon(larder_lease* lease, larder_code code, const char* message) {
  const std::unique_ptr<larder_lease> owned(lease);
  if (owned == nullptr) return;
  Guarded(nullptr, [&] {
    const bool known = code >= LARDER_OK && code <= LARDER_INTERNAL;
    const StatusCode status_code = known ? static_cast<StatusCode>(code) : StatusCode::kInternal;
    owned->lease.Abandon({status_code, message != nullptr ? message : ""});
    return Status::Ok();
  });
}

void larder_lease_free(larder_lease* lease) { delete lease; }

void larder_flight_on_end(larder_flight* flight, larder_on_end callback, void* context) {
  if (flight == nullptr || callback == nullptr) return;
  const larder_code asked = Guarded(nullptr, [&] {
    flight->flight.OnEnd([callback, context](const larder::FlightEnd& end) {
      larder_entry* entry = nullptr;
      larder_error error{};
      const auto convert = [&] {
        entry = Outcome(end);
        return end.status;
      };
      Guarded(&error, convert);
      callback(context, entry, &error);
    });
    return Status::Ok();
  });
  if (asked == LARDER_OK) return;
  larder_error error{};
  ToC({StatusCode::kResourceExhausted, "out of memory"}, &error);
  callback(context, nullptr, &error);
}

void larder_flight_on_piece(larder_flight* flight, size_t index, larder_on_piece callback,
                            void* context) {
  if (flight == nullptr || callback == nullptr) return;
  const larder_code asked = Guarded(nullptr, [&] {
    flight->flight.OnPiece(index,
                           [callback, context](const std::optional<larder::SharedBytes>& piece) {
                             callback(context, piece.has_value() ? piece->view().data() : nullptr,
                                      piece.has_value() ? piece->size() : 0);
                           });
    return Status::Ok();
  });
  if (asked != LARDER_OK) callback(context, nullptr, 0);
}

larder_code larder_flight_wait(larder_flight* flight, int64_t timeout_ms, larder_entry** entry,
                               larder_error* error) {
  return Guarded(error, [&]() -> Status {
    if (flight == nullptr || entry == nullptr) return Missing("flight or entry");
    *entry = nullptr;
    const larder::FlightEnd end = flight->flight.Wait(ToDuration(timeout_ms));
    *entry = Outcome(end);
    return end.status;
  });
}

void larder_flight_free(larder_flight* flight) { delete flight; }

void larder_stats(larder_cache* cache,
                  void (*callback)(void* context, const char* name, uint64_t value),
                  void* context) {
  if (cache == nullptr || callback == nullptr) return;
  Guarded(nullptr, [&] {
    const larder::Stats stats = cache->cache->GetStats();
    for (const larder::StatField& field : larder::StatFields()) {
      callback(context, field.name, stats.*field.value);
    }
    callback(context, "uptime_ms", static_cast<std::uint64_t>(stats.uptime.count()));
    return Status::Ok();
  });
}

const char* larder_state(larder_cache* cache) {
  return larder::HealthStateName(cache != nullptr ? cache->cache->GetHealth().state
                                                  : larder::HealthState::kClosed)
      .data();
}

}  // extern "C"
