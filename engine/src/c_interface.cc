// The C interface (larder/larder.h) over larder/cache.h: converts, owns nothing, lets no exception
// out. Leases and flights are in c_interface_flight.cc.
#include "c_interface.h"

#include <cstddef>
#include <utility>

struct larder_page {
  larder::ScanPage page;
  std::vector<larder_entry> entries;
};

namespace larder::c {

ReadOptions ToReadOptions(const larder_read_options* options) {
  ReadOptions read;
  if (options == nullptr) return read;
  read.tags = ToTags(options->tags, options->tag_count);
  if (options->max_age_ms != 0) read.max_age = ToDuration(options->max_age_ms);
  read.max_stale = ToDuration(options->max_stale_ms);
  if (options->refresh != 0) read.newer_than = kRefresh;
  if (options->while_revalidate != 0) read.stale_window = StaleWindow::kWhileRevalidate;
  if (options->lease_timeout_ms != 0) read.lease_timeout = ToDuration(options->lease_timeout_ms);
  return read;
}

WriteOptions ToWriteOptions(const larder_write_options* options) {
  WriteOptions write;
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

}  // namespace larder::c

namespace {

using namespace larder::c;  // NOLINT: what the handles hold and how errors come
using larder::Status;
using larder::StatusCode;

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

// As for a caller that sets nothing; its directory is null.
larder_options DefaultOptions() {
  const larder::Options defaults;
  larder_options options = {};
  options.struct_size = sizeof(larder_options);
  options.max_disk_bytes = defaults.max_disk_bytes;
  options.max_memory_bytes = defaults.max_memory_bytes;
  options.max_body_bytes = defaults.max_body_bytes;
  options.default_ttl_ms = defaults.default_ttl.count();
  options.compression_level = defaults.compression.level;
  return options;
}

larder::ScanOptions ToScanOptions(const larder_scan_options& c) {
  larder::ScanOptions scan;
  scan.prefix = View(c.prefix, c.prefix_size);
  if (c.tag != nullptr) scan.tag = c.tag;
  if (c.state == LARDER_SCAN_FRESH) scan.state = larder::ScanState::kFresh;
  if (c.state == LARDER_SCAN_STALE) scan.state = larder::ScanState::kStale;
  if (c.limit != 0) scan.limit = c.limit;
  scan.bodies = c.bodies != 0;
  scan.cursor = View(c.cursor, c.cursor_size);
  return scan;
}

larder::Invalidation ToInvalidation(const larder_invalidation& c) {
  larder::Invalidation what;
  what.tags = ToTags(c.tags, c.tag_count);
  for (std::size_t i = 0; i < c.prefix_count; ++i) {
    // A null among the prefixes becomes an empty one, which is refused.
    const larder_bytes prefix = c.prefixes != nullptr ? c.prefixes[i] : larder_bytes{};
    what.prefixes.emplace_back(View(prefix.bytes, prefix.bytes != nullptr ? prefix.size : 0));
  }
  what.all = c.all != 0;
  what.soft = c.soft != 0;
  return what;
}

Status Invalidate(larder_cache* cache, const larder::Invalidation& what, std::uint64_t* number) {
  if (cache == nullptr) return Missing("cache");
  const larder::Result<std::uint64_t> taken = cache->cache->Invalidate(what);
  if (taken.ok() && number != nullptr) *number = *taken;
  return taken.status();
}

}  // namespace

extern "C" {

const char* larder_version(void) { return LARDER_VERSION; }

void larder_options_init_sized(larder_options* options, size_t struct_size) {
  if (options == nullptr || struct_size < sizeof(struct_size)) return;
  larder_options ours = DefaultOptions();
  ours.struct_size = struct_size;
  const std::size_t known = std::min(struct_size, sizeof(ours));
  std::memcpy(options, &ours, known);
  std::memset(reinterpret_cast<char*>(options) + known, 0, struct_size - known);
}

larder_code larder_open(const larder_options* options, larder_cache** cache, larder_error* error) {
  return Guarded(error, [&]() -> Status {
    if (options == nullptr || cache == nullptr) return Missing("options or cache");
    *cache = nullptr;
    larder_options known = DefaultOptions();
    const Status taken = TakeStruct(*options, offsetof(larder_options, max_disk_bytes), known);
    if (!taken.ok()) return taken;
    larder::Result<std::unique_ptr<larder::Cache>> opened = larder::Cache::Open(ToOptions(known));
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

larder_code larder_invalidate(larder_cache* cache, const larder_invalidation* what,
                              uint64_t* number, larder_error* error) {
  return Guarded(error, [&]() -> Status {
    if (what == nullptr) return Missing("what");
    larder_invalidation known = {};
    const Status taken = TakeStruct(*what, offsetof(larder_invalidation, prefixes), known);
    if (!taken.ok()) return taken;
    return Invalidate(cache, ToInvalidation(known), number);
  });
}

larder_code larder_touch(larder_cache* cache, const void* key, size_t key_size, int64_t ttl_ms,
                         larder_error* error) {
  return Guarded(error, [&] {
    return cache != nullptr ? cache->cache->Touch(View(key, key_size), ToDuration(ttl_ms))
                            : Missing("cache");
  });
}

larder_code larder_scan(larder_cache* cache, const larder_scan_options* options, larder_page** page,
                        larder_error* error) {
  return Guarded(error, [&]() -> Status {
    if (cache == nullptr || options == nullptr || page == nullptr) {
      return Missing("cache, options or page");
    }
    *page = nullptr;
    larder_scan_options known = {};
    const Status taken = TakeStruct(*options, offsetof(larder_scan_options, tag), known);
    if (!taken.ok()) return taken;
    larder::Result<larder::ScanPage> got = cache->cache->Scan(ToScanOptions(known));
    if (!got.ok()) return got.status();
    auto owned = std::make_unique<larder_page>(larder_page{*std::move(got), {}});
    for (const larder::ScanItem& item : owned->page.items) {
      owned->entries.push_back({item.entry, item.entry.tags()});
    }
    *page = owned.release();
    return Status::Ok();
  });
}

size_t larder_page_size(const larder_page* page) {
  return page != nullptr ? page->entries.size() : 0;
}

void larder_page_item(const larder_page* page, size_t index, larder_scan_item* item) {
  if (item == nullptr || index >= larder_page_size(page)) return;
  const larder::ScanItem& found = page->page.items[index];
  item->key = found.key.data();
  item->key_size = found.key.size();
  item->entry = &page->entries[index];
  item->stale = found.stale ? 1 : 0;
  item->raw_bytes = found.raw_bytes;
}

const void* larder_page_cursor(const larder_page* page, size_t* cursor_size) {
  if (page == nullptr || page->page.cursor.empty()) return nullptr;
  if (cursor_size != nullptr) *cursor_size = page->page.cursor.size();
  return page->page.cursor.data();
}

void larder_page_free(larder_page* page) { delete page; }

larder_code larder_sync(larder_cache* cache, larder_error* error) {
  return Guarded(error, [&] { return cache != nullptr ? cache->cache->Sync() : Missing("cache"); });
}

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
