/* The C interface, used as a C99 program uses it: each operation, who owns what, and misuse. */
#include <stddef.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "larder/larder.h"

static int failures = 0;

#define CHECK(condition)                                              \
  do {                                                                \
    if (!(condition)) {                                               \
      fprintf(stderr, "%s:%d: %s\n", __FILE__, __LINE__, #condition); \
      ++failures;                                                     \
    }                                                                 \
  } while (0)

static larder_error error;

static larder_cache* Open(const char* directory) {
  larder_options options;
  larder_cache* cache = NULL;
  larder_options_init(&options);
  options.directory = directory;
  if (larder_open(&options, &cache, &error) != LARDER_OK) {
    fprintf(stderr, "open: %s\n", error.message);
    exit(1);
  }
  return cache;
}

static int HasBody(const larder_entry* entry, const char* body) {
  larder_entry_info info;
  if (entry == NULL) return 0;
  larder_entry_get_info(entry, &info);
  return info.body_size == strlen(body) && memcmp(info.body, body, info.body_size) == 0;
}

static int IsMiss(larder_cache* cache, const char* key) {
  larder_entry* entry = NULL;
  CHECK(larder_get(cache, key, strlen(key), NULL, &entry, &error) == LARDER_OK);
  if (entry == NULL) return 1;
  larder_entry_free(entry);
  return 0;
}

static void PutIsReadWithAllThatIsKnownOfIt(larder_cache* cache) {
  const char* const tags[] = {"model:a", "team:b"};
  larder_write_options options;
  larder_put_outcome outcome = LARDER_NOT_STORED;
  larder_entry* entry = NULL;
  larder_entry_info info;
  size_t tag_size = 0;
  larder_write_options_init(&options);
  options.ttl_ms = 60000;
  options.tags = tags;
  options.tag_count = 2;
  options.cost_microusd = 4200;
  options.compute_time_ms = 1830;
  options.metadata = "json";
  options.metadata_size = 4;
  CHECK(larder_put(cache, "k", 1, "a body", 6, &options, &outcome, &error) == LARDER_OK);
  CHECK(outcome == LARDER_STORED);
  CHECK(larder_get(cache, "k", 1, NULL, &entry, &error) == LARDER_OK);
  CHECK(HasBody(entry, "a body"));
  larder_entry_get_info(entry, &info);
  CHECK(info.metadata_size == 4 && memcmp(info.metadata, "json", 4) == 0);
  CHECK(info.fresh_until_unix_ms == info.created_unix_ms + 60000);
  CHECK(info.expires_unix_ms == info.fresh_until_unix_ms);
  CHECK(info.cost_microusd == 4200 && info.compute_time_ms == 1830 && info.number > 0);
  CHECK(info.tag_count == 2);
  CHECK(memcmp(larder_entry_tag(entry, 1, &tag_size), "team:b", 6) == 0 && tag_size == 6);
  CHECK(larder_entry_tag(entry, 2, NULL) == NULL);
  larder_entry_free(entry);
}

static void InvalidatedAndRemovedAreMisses(larder_cache* cache) {
  const char* const tag = "team:b";
  uint64_t number = 0;
  larder_entry* held = NULL;
  CHECK(larder_get(cache, "k", 1, NULL, &held, &error) == LARDER_OK);
  CHECK(larder_invalidate_tags(cache, &tag, 1, &number, &error) == LARDER_OK);
  CHECK(number > 0);
  CHECK(IsMiss(cache, "k"));
  CHECK(HasBody(held, "a body")); /* what was given out stays readable */
  larder_entry_free(held);

  CHECK(larder_put(cache, "k", 1, "new", 3, NULL, NULL, &error) == LARDER_OK);
  CHECK(!IsMiss(cache, "k"));
  CHECK(larder_remove(cache, "k", 1, &error) == LARDER_OK);
  CHECK(IsMiss(cache, "k"));

  CHECK(larder_put(cache, "k", 1, "new", 3, NULL, NULL, &error) == LARDER_OK);
  CHECK(larder_invalidate_all(cache, NULL, &error) == LARDER_OK);
  CHECK(IsMiss(cache, "k"));
}

static void SoftPrefixAndTouchAreAsInCpp(larder_cache* cache) {
  const larder_bytes prefixes[] = {{"p/1", 3}};
  larder_invalidation what = {0};
  larder_read_options accepts_stale = {0};
  larder_entry* entry = NULL;
  uint64_t number = 0;
  accepts_stale.max_stale_ms = LARDER_FOREVER;
  CHECK(larder_put(cache, "p/1", 3, "v", 1, NULL, NULL, &error) == LARDER_OK);
  CHECK(larder_put(cache, "p/2", 3, "v", 1, NULL, NULL, &error) == LARDER_OK);
  what.struct_size = sizeof(what);
  CHECK(larder_invalidate(cache, &what, NULL, &error) == LARDER_INVALID_ARGUMENT); /* nothing */
  what.prefixes = prefixes;
  what.prefix_count = 1;
  what.soft = 1;
  CHECK(larder_invalidate(cache, &what, &number, &error) == LARDER_OK && number > 0);
  CHECK(IsMiss(cache, "p/1") && !IsMiss(cache, "p/2"));
  CHECK(larder_get(cache, "p/1", 3, &accepts_stale, &entry, &error) == LARDER_OK);
  CHECK(HasBody(entry, "v")); /* stale, not gone */
  larder_entry_free(entry);
  what.soft = 0;
  CHECK(larder_invalidate(cache, &what, NULL, &error) == LARDER_OK);
  CHECK(larder_get(cache, "p/1", 3, &accepts_stale, &entry, &error) == LARDER_OK);
  CHECK(entry == NULL);

  CHECK(larder_touch(cache, "p/1", 3, 1000, &error) == LARDER_NOT_FOUND);
  CHECK(larder_touch(cache, "p/2", 3, LARDER_FOREVER, &error) == LARDER_OK);
  CHECK(larder_get(cache, "p/2", 3, NULL, &entry, &error) == LARDER_OK && entry != NULL);
  if (entry != NULL) {
    larder_entry_info info;
    larder_entry_get_info(entry, &info);
    CHECK(info.expires_unix_ms == LARDER_FOREVER);
    larder_entry_free(entry);
  }
}

static void ScanGoesThroughAllPages(larder_cache* cache) {
  larder_scan_options options = {0};
  larder_page* page = NULL;
  char cursor[1024];
  char seen[64] = "";
  int pages = 0;
  larder_put(cache, "q/a", 3, "body a", 6, NULL, NULL, NULL);
  larder_put(cache, "q/b", 3, "body b", 6, NULL, NULL, NULL);
  larder_put(cache, "q/c", 3, "body c", 6, NULL, NULL, NULL);
  options.struct_size = sizeof(options);
  options.prefix = "q/";
  options.prefix_size = 2;
  options.limit = 2;
  options.bodies = 1;
  do {
    const void* next;
    size_t i;
    CHECK(larder_scan(cache, &options, &page, &error) == LARDER_OK);
    for (i = 0; i < larder_page_size(page); ++i) {
      larder_scan_item item;
      larder_page_item(page, i, &item);
      CHECK(item.key_size == 3 && item.stale == 0 && item.raw_bytes == 6);
      strncat(seen, (const char*)item.key + 2, 1);
      CHECK(HasBody(item.entry, i == 1 ? "body b" : pages == 0 ? "body a" : "body c"));
    }
    next = larder_page_cursor(page, &options.cursor_size);
    if (next != NULL) memcpy(cursor, next, options.cursor_size);
    options.cursor = next != NULL ? cursor : NULL;
    larder_page_free(page);
    ++pages;
  } while (options.cursor != NULL && pages < 10);
  CHECK(strcmp(seen, "abc") == 0);
  options.struct_size = 0;
  CHECK(larder_scan(cache, &options, &page, &error) == LARDER_INVALID_ARGUMENT && page == NULL);
  larder_page_free(NULL);
}

struct followed {
  int ends;
  int pieces;
  larder_code code;
  int body_was_right;
};

static void OnEnd(void* context, larder_entry* entry, const larder_error* why) {
  struct followed* followed = context;
  ++followed->ends;
  followed->code = why->code;
  followed->body_was_right = HasBody(entry, "computed");
  larder_entry_free(entry);
}

static void OnPiece(void* context, const void* piece, size_t piece_size) {
  struct followed* followed = context;
  if (piece != NULL && piece_size == 4 && memcmp(piece, "comp", 4) == 0) ++followed->pieces;
}

static void FollowersGetWhatTheLeaseComputes(larder_cache* cache) {
  larder_acquired first;
  larder_acquired second;
  struct followed followed = {0, 0, LARDER_INTERNAL, 0};
  larder_entry* entry = NULL;
  larder_put_outcome outcome = LARDER_NOT_STORED;
  CHECK(larder_acquire(cache, "f", 1, NULL, &first, &error) == LARDER_OK);
  CHECK(first.kind == LARDER_LEASE && first.lease != NULL);
  CHECK(larder_acquire(cache, "f", 1, NULL, &second, &error) == LARDER_OK);
  CHECK(second.kind == LARDER_FLIGHT && second.flight != NULL);
  larder_flight_on_end(second.flight, OnEnd, &followed);
  larder_flight_on_piece(second.flight, 0, OnPiece, &followed);
  CHECK(larder_flight_wait(second.flight, 0, &entry, &error) == LARDER_DEADLINE_EXCEEDED);
  CHECK(entry == NULL);
  CHECK(larder_lease_append(first.lease, "comp", 4, &error) == LARDER_OK);
  CHECK(followed.pieces == 1 && followed.ends == 0);
  CHECK(larder_lease_commit(first.lease, "computed", 8, NULL, &entry, &outcome, &error) ==
        LARDER_OK);
  CHECK(outcome == LARDER_STORED && HasBody(entry, "computed"));
  larder_entry_free(entry);
  CHECK(followed.ends == 1 && followed.code == LARDER_OK && followed.body_was_right);
  CHECK(larder_flight_wait(second.flight, LARDER_FOREVER, &entry, &error) == LARDER_OK);
  CHECK(HasBody(entry, "computed"));
  larder_entry_free(entry);
  larder_flight_free(second.flight);

  CHECK(larder_acquire(cache, "f", 1, NULL, &first, &error) == LARDER_OK);
  CHECK(first.kind == LARDER_HIT && HasBody(first.entry, "computed") && first.stale == 0);
  larder_entry_free(first.entry);
}

static void FollowersShareAnError(larder_cache* cache) {
  larder_acquired first;
  larder_acquired second;
  struct followed followed = {0, 0, LARDER_OK, 1};
  larder_entry* entry = NULL;
  larder_acquire(cache, "e", 1, NULL, &first, NULL);
  larder_acquire(cache, "e", 1, NULL, &second, NULL);
  larder_flight_on_end(second.flight, OnEnd, &followed);
  larder_lease_abandon(first.lease, LARDER_RESOURCE_EXHAUSTED, "over quota");
  CHECK(followed.ends == 1 && followed.code == LARDER_RESOURCE_EXHAUSTED);
  CHECK(!followed.body_was_right);
  CHECK(larder_flight_wait(second.flight, 0, &entry, &error) == LARDER_RESOURCE_EXHAUSTED);
  CHECK(strcmp(error.message, "over quota") == 0);
  larder_flight_free(second.flight);
}

static void StaleIsServedWhileOneComputesItAnew(larder_cache* cache) {
  larder_write_options write;
  larder_read_options read = {0};
  larder_acquired first;
  larder_acquired second;
  larder_entry* entry = NULL;
  read.while_revalidate = 1;
  larder_write_options_init(&write);
  write.ttl_ms = 1;
  write.stale_while_revalidate_ms = 600000;
  CHECK(larder_put(cache, "s", 1, "old", 3, &write, NULL, &error) == LARDER_OK);
  do { /* the C interface has no clock of its own to move: a millisecond passes by itself */
    larder_entry_free(entry);
    CHECK(larder_get(cache, "s", 1, NULL, &entry, &error) == LARDER_OK);
  } while (entry != NULL);
  CHECK(larder_acquire(cache, "s", 1, &read, &first, &error) == LARDER_OK);
  CHECK(first.kind == LARDER_HIT && first.stale == 1 && HasBody(first.entry, "old"));
  CHECK(first.lease != NULL);
  CHECK(larder_acquire(cache, "s", 1, &read, &second, &error) == LARDER_OK);
  CHECK(second.kind == LARDER_HIT && second.stale == 1 && second.lease == NULL);
  larder_entry_free(first.entry);
  larder_entry_free(second.entry);
  CHECK(larder_lease_commit(first.lease, "new", 3, NULL, NULL, NULL, &error) == LARDER_OK);
  CHECK(larder_get(cache, "s", 1, NULL, &entry, &error) == LARDER_OK && HasBody(entry, "new"));
  larder_entry_free(entry);
}

static void FreedLeaseSendsFollowersToAcquireAgain(larder_cache* cache) {
  larder_acquired first;
  larder_acquired second;
  larder_entry* entry = NULL;
  larder_acquire(cache, "d", 1, NULL, &first, NULL);
  larder_acquire(cache, "d", 1, NULL, &second, NULL);
  larder_lease_free(first.lease);
  CHECK(larder_flight_wait(second.flight, LARDER_FOREVER, &entry, NULL) == LARDER_CANCELLED);
  larder_flight_free(second.flight);
}

static void WhoWaitsAndWhoComputesMayHaveATimeout(larder_cache* cache) {
  larder_read_options read = {0};
  larder_acquired first;
  larder_acquired second;
  larder_entry* entry = NULL;
  struct followed followed = {0, 0, LARDER_OK, 0};
  /* A follower's own: the flight goes on. */
  CHECK(larder_acquire(cache, "t", 1, NULL, &first, &error) == LARDER_OK);
  CHECK(larder_acquire(cache, "t", 1, NULL, &second, &error) == LARDER_OK);
  larder_flight_on_end_within(second.flight, 60000, OnEnd, &followed);
  CHECK(followed.ends == 0);
  CHECK(larder_lease_commit(first.lease, "computed", 8, NULL, NULL, NULL, &error) == LARDER_OK);
  CHECK(followed.ends == 1 && followed.body_was_right);
  larder_flight_free(second.flight);
  /* The lease's: its followers are sent on, the next caller computes. */
  read.lease_timeout_ms = 1;
  CHECK(larder_acquire(cache, "u", 1, &read, &first, &error) == LARDER_OK);
  CHECK(larder_acquire(cache, "u", 1, NULL, &second, &error) == LARDER_OK);
  if (second.kind == LARDER_FLIGHT) { /* else the millisecond has passed already */
    CHECK(larder_flight_wait(second.flight, LARDER_FOREVER, &entry, &error) ==
          LARDER_DEADLINE_EXCEEDED);
    larder_flight_free(second.flight);
    CHECK(larder_acquire(cache, "u", 1, NULL, &second, &error) == LARDER_OK);
  }
  CHECK(second.kind == LARDER_LEASE);
  larder_lease_free(second.lease);
  larder_lease_free(first.lease);
}

/* A program that was compiled with another version of larder.h: fewer fields, or more. */
static void StructuresOfOtherVersionsAreUnderstood(const char* directory) {
  struct {
    larder_options known;
    uint64_t unknown;
  } newer;
  union {
    larder_options all;
    unsigned char bytes[sizeof(larder_options)];
  } older;
  const size_t older_size = offsetof(larder_options, sync_puts);
  larder_cache* cache = NULL;
  size_t i;
  memset(&newer, 0xee, sizeof(newer));
  larder_options_init_sized(&newer.known, sizeof(newer));
  CHECK(newer.unknown == 0 && newer.known.struct_size == sizeof(newer));
  newer.known.directory = directory;
  newer.unknown = 7;
  CHECK(larder_open(&newer.known, &cache, &error) == LARDER_INVALID_ARGUMENT && cache == NULL);
  CHECK(strstr(error.message, "does not know") != NULL);
  newer.unknown = 0;
  CHECK(larder_open(&newer.known, &cache, &error) == LARDER_OK);
  larder_free(cache);

  memset(&older, 0xee, sizeof(older));
  larder_options_init_sized(&older.all, older_size);
  for (i = older_size; i < sizeof(older); ++i) CHECK(older.bytes[i] == 0xee); /* not the caller's */
  older.all.directory = directory;
  CHECK(larder_open(&older.all, &cache, &error) == LARDER_OK); /* log is not called, ... */
  larder_free(cache);

  older.all.struct_size = sizeof(size_t); /* not even a directory */
  CHECK(larder_open(&older.all, &cache, &error) == LARDER_INVALID_ARGUMENT);
  older.all.struct_size = (size_t)-1; /* never initialized */
  CHECK(larder_open(&older.all, &cache, &error) == LARDER_INVALID_ARGUMENT);
}

static void MisuseIsToldAndHarmsNothing(larder_cache* cache, const char* directory) {
  larder_options options = {0};
  larder_cache* other = NULL;
  larder_entry* entry = NULL;
  const char* const no_tag = NULL;
  options.directory = directory;
  CHECK(larder_open(&options, &other, &error) == LARDER_INVALID_ARGUMENT);
  CHECK(strstr(error.message, "initialize it first") != NULL);
  larder_options_init(&options);
  options.directory = directory;
  CHECK(larder_open(&options, &other, &error) == LARDER_UNAVAILABLE); /* held already */
  CHECK(other == NULL && strstr(error.message, "held") != NULL);
  options.max_disk_bytes = 1;
  CHECK(larder_open(&options, &other, &error) == LARDER_INVALID_ARGUMENT);
  CHECK(larder_put(cache, "", 0, "v", 1, NULL, NULL, &error) == LARDER_INVALID_ARGUMENT);
  CHECK(larder_get(NULL, "k", 1, NULL, &entry, &error) == LARDER_INVALID_ARGUMENT);
  CHECK(larder_invalidate_tags(cache, NULL, 0, NULL, &error) == LARDER_INVALID_ARGUMENT);
  CHECK(larder_invalidate_tags(cache, &no_tag, 1, NULL, &error) == LARDER_INVALID_ARGUMENT);
  larder_entry_free(NULL);
  larder_lease_free(NULL);
  larder_flight_free(NULL);
  larder_free(NULL);
}

static void OnStat(void* context, const char* name, uint64_t value) {
  if (strcmp(name, "hits") == 0) *(uint64_t*)context = value;
}

int main(int argc, char** argv) {
  larder_cache* cache;
  larder_acquired outlives;
  larder_entry* entry = NULL;
  uint64_t hits = 0;
  if (argc != 2) return 2;
  StructuresOfOtherVersionsAreUnderstood(argv[1]);
  cache = Open(argv[1]);
  PutIsReadWithAllThatIsKnownOfIt(cache);
  InvalidatedAndRemovedAreMisses(cache);
  SoftPrefixAndTouchAreAsInCpp(cache);
  ScanGoesThroughAllPages(cache);
  FollowersGetWhatTheLeaseComputes(cache);
  FollowersShareAnError(cache);
  StaleIsServedWhileOneComputesItAnew(cache);
  FreedLeaseSendsFollowersToAcquireAgain(cache);
  WhoWaitsAndWhoComputesMayHaveATimeout(cache);
  MisuseIsToldAndHarmsNothing(cache, argv[1]);
  larder_stats(cache, OnStat, &hits);
  CHECK(hits >= 3);
  CHECK(strcmp(larder_state(cache), "serving") == 0);
  CHECK(larder_sync(cache, &error) == LARDER_OK);
  larder_acquire(cache, "f", 1, NULL, &outlives, NULL);
  CHECK(larder_close(cache, &error) == LARDER_OK);
  CHECK(larder_put(cache, "k", 1, "v", 1, NULL, NULL, &error) == LARDER_UNAVAILABLE);
  larder_free(cache);
  CHECK(HasBody(outlives.entry, "computed"));
  larder_entry_free(outlives.entry);

  cache = Open(argv[1]);
  CHECK(larder_get(cache, "f", 1, NULL, &entry, &error) == LARDER_OK);
  CHECK(HasBody(entry, "computed"));
  larder_entry_free(entry);
  larder_free(cache);
  CHECK(strchr(larder_version(), '.') != NULL);
  if (failures == 0) puts("all is as larder.h says");
  return failures == 0 ? 0 : 1;
}
