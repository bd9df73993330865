/* larder.h: the cache engine for C and for everything that can call C (C99; liblarder.so).
 *
 *   larder_options options;
 *   larder_options_init(&options);
 *   options.directory = "/var/cache/answers";
 *   larder_cache* cache;
 *   larder_error error;
 *   if (larder_open(&options, &cache, &error) != LARDER_OK) fprintf(stderr, "%s\n", error.message);
 *
 * The same cache as larder/cache.h, which says in full what each operation does and promises; here
 * stands what C adds: who owns what, and how errors come.
 *
 * Errors. Functions that can fail return a code and, where `error` is not null, fill it in; its
 * message lives in it, nothing is to be freed. On success the message is empty. A miss is not an
 * error: the entry is null.
 * Ownership. What a function gives out (cache, entry, lease, flight) is the caller's, to be handed
 * to the _free function, or to the one that says that it takes it over; null is allowed there. What
 * is passed in is only read during the call. Entries, leases and flights may outlive the cache.
 * Threads. All functions may be called from any thread; one lease is for one thread at a time.
 * Callbacks run on the thread that ends the flight, asks or keeps the deadlines; they must not
 * block, and they must not throw or jump out. The context is handed through untouched. Sizes are in
 * bytes, times in milliseconds. Strings that are not counted end with 0. No function aborts the
 * process or throws.
 */
#pragma once

#include <stddef.h>
#include <stdint.h>

#ifdef __cplusplus
extern "C" {
#endif

#define LARDER_API __attribute__((visibility("default")))

/* As in larder/status.h. Values never change; new ones may come. */
typedef enum larder_code {
  LARDER_OK = 0,
  LARDER_INVALID_ARGUMENT = 1,
  LARDER_NOT_FOUND = 2,
  LARDER_RESOURCE_EXHAUSTED = 3,
  LARDER_DEADLINE_EXCEEDED = 4,
  LARDER_CANCELLED = 5,
  LARDER_DATA_LOSS = 6,
  LARDER_UNAVAILABLE = 7,
  LARDER_INTERNAL = 8
} larder_code;

typedef struct larder_error {
  larder_code code;
  char message[508]; /* cut off if longer; always ends with 0 */
} larder_error;

typedef struct larder_cache larder_cache;
typedef struct larder_entry larder_entry;
typedef struct larder_lease larder_lease;
typedef struct larder_flight larder_flight;

#define LARDER_FOREVER INT64_MAX /* of a duration: no end */
#define LARDER_UNSET INT64_MIN   /* of a duration: as the cache's options say */

/* The version of the library, for example "0.1.0". */
LARDER_API const char* larder_version(void);

/* ---- open and close ---- */

/* Structures that begin with `struct_size` may get more fields at their end: it says which version
 * of this header the program was compiled with. What an older program does not know of is as if it
 * had not been set. What a newer one knows of and this library does not must be zero: else
 * LARDER_INVALID_ARGUMENT. */

/* Initialize with larder_options_init, then set what differs. Meanings and ranges as in
 * larder/options.h. */
typedef struct larder_options {
  size_t struct_size;
  const char* directory;
  uint64_t max_disk_bytes;
  uint64_t max_memory_bytes;
  uint64_t max_body_bytes;
  int64_t default_ttl_ms;
  double ttl_jitter;
  int64_t stale_while_revalidate_ms;
  int64_t stale_if_error_ms;
  int sync_puts;          /* 1: durability "sync" */
  int fail_on_corruption; /* 1: an unreadable store is LARDER_DATA_LOSS, not moved aside */
  int compression_level;  /* of zstd, 1 to 19; 0 stores bytes as they are */
  /* Called with 0 debug, 1 info, 2 warning, 3 error, and one line; null = silent. */
  void (*log)(void* context, int level, const char* line, size_t line_size);
  void* log_context;
} larder_options;

/* Sets the first `struct_size` bytes, those that the caller has. */
LARDER_API void larder_options_init_sized(larder_options* options, size_t struct_size);
static inline void larder_options_init(larder_options* options) {
  larder_options_init_sized(options, sizeof(larder_options));
}

LARDER_API larder_code larder_open(const larder_options* options, larder_cache** cache,
                                   larder_error* error);
/* Abandons open leases, saves state, closes the store. Later calls are misses and
 * LARDER_UNAVAILABLE; the cache is still to be freed. */
LARDER_API larder_code larder_close(larder_cache* cache, larder_error* error);
/* Closes, if that was not done, and frees. No other call on it may be running. */
LARDER_API void larder_free(larder_cache* cache);

/* ---- reading ---- */

/* Zeroed, it asks for any fresh entry; null stands for that too. */
typedef struct larder_read_options {
  const char* const* tags;
  size_t tag_count;
  int64_t max_age_ms;   /* 0 = any */
  int64_t max_stale_ms; /* accept an entry so long past its freshness */
  int refresh;          /* 1: pass over what is there, and what is being computed */
  /* 1: accept an entry within its own stale-while-revalidate window. Of all who do, larder_acquire
   * gives one the duty to compute it anew: a hit with a lease. */
  int while_revalidate;
  /* Of a lease that larder_acquire gives: it must end within this, or its followers are told to
   * acquire again (LARDER_DEADLINE_EXCEEDED) and the next caller computes. 0 = no end. */
  int64_t lease_timeout_ms;
} larder_read_options;

/* *entry: the live entry, or null for a miss. */
LARDER_API larder_code larder_get(larder_cache* cache, const void* key, size_t key_size,
                                  const larder_read_options* options, larder_entry** entry,
                                  larder_error* error);

typedef struct larder_entry_info {
  const void* body; /* valid as long as the entry, as are all pointers here */
  size_t body_size;
  const void* metadata;
  size_t metadata_size;
  int64_t created_unix_ms;
  int64_t fresh_until_unix_ms; /* LARDER_FOREVER: does not expire */
  int64_t expires_unix_ms;     /* LARDER_FOREVER: does not expire */
  uint64_t cost_microusd;      /* 0 = not known */
  int64_t compute_time_ms;
  uint64_t number;
  size_t tag_count;
} larder_entry_info;

LARDER_API void larder_entry_get_info(const larder_entry* entry, larder_entry_info* info);
/* Tag number `index` of the entry (counted, not ended by 0), or null if it has fewer. */
LARDER_API const char* larder_entry_tag(const larder_entry* entry, size_t index, size_t* tag_size);
LARDER_API void larder_entry_free(larder_entry* entry);

/* A page of the live entries, in the order of their keys. */
typedef struct larder_page larder_page;

typedef enum larder_scan_state {
  LARDER_SCAN_ALL = 0,
  LARDER_SCAN_FRESH = 1,
  LARDER_SCAN_STALE = 2
} larder_scan_state;

/* Zeroed but for `struct_size` it asks for the first page of all entries, without bodies. */
typedef struct larder_scan_options {
  size_t struct_size; /* sizeof(larder_scan_options) */
  const void* prefix; /* only keys that begin with it */
  size_t prefix_size;
  const char* tag; /* only entries that have it; null = any */
  larder_scan_state state;
  size_t limit;       /* entries a page, at most 10,000; 0 = 1,000 */
  int bodies;         /* 1: with their bodies, which is slower */
  const void* cursor; /* where a page ended, to go on after it */
  size_t cursor_size;
} larder_scan_options;

typedef struct larder_scan_item {
  const void* key; /* valid as long as the page, as is the entry, which is the page's */
  size_t key_size;
  const larder_entry* entry;
  int stale;
  uint64_t raw_bytes; /* of the body, whether or not it was read */
} larder_scan_item;

LARDER_API larder_code larder_scan(larder_cache* cache, const larder_scan_options* options,
                                   larder_page** page, larder_error* error);
LARDER_API size_t larder_page_size(const larder_page* page);
/* Nothing is set if there are fewer items than that. */
LARDER_API void larder_page_item(const larder_page* page, size_t index, larder_scan_item* item);
/* For the next page; null: this was the last one. A page may be empty and not be the last. */
LARDER_API const void* larder_page_cursor(const larder_page* page, size_t* cursor_size);
LARDER_API void larder_page_free(larder_page* page);

/* ---- writing ---- */

/* Zeroed but for the durations, which larder_write_options_init sets to LARDER_UNSET; null stands
 * for an initialized one. */
typedef struct larder_write_options {
  int64_t ttl_ms; /* 0 = not stored, LARDER_FOREVER = no expiry */
  int64_t stale_while_revalidate_ms;
  int64_t stale_if_error_ms;
  const char* const* tags;
  size_t tag_count;
  uint64_t cost_microusd;
  int64_t compute_time_ms;
  const void* metadata;
  size_t metadata_size;
} larder_write_options;

LARDER_API void larder_write_options_init(larder_write_options* options);

typedef enum larder_put_outcome {
  LARDER_STORED = 0,
  LARDER_SUPERSEDED = 1, /* something newer, or a removal, was there */
  LARDER_NOT_STORED = 2  /* ttl 0, over a limit, or the store failed */
} larder_put_outcome;

/* `outcome` may be null. */
LARDER_API larder_code larder_put(larder_cache* cache, const void* key, size_t key_size,
                                  const void* body, size_t body_size,
                                  const larder_write_options* options, larder_put_outcome* outcome,
                                  larder_error* error);
LARDER_API larder_code larder_remove(larder_cache* cache, const void* key, size_t key_size,
                                     larder_error* error);
/* Gives the live entry a new lifetime: fresh for `ttl_ms` from now on (LARDER_FOREVER: it does not
 * expire). LARDER_NOT_FOUND: nothing live is there. */
LARDER_API larder_code larder_touch(larder_cache* cache, const void* key, size_t key_size,
                                    int64_t ttl_ms, larder_error* error);
/* Every entry that has any of these tags. `number` (may be null) orders it among all others. */
LARDER_API larder_code larder_invalidate_tags(larder_cache* cache, const char* const* tags,
                                              size_t tag_count, uint64_t* number,
                                              larder_error* error);
LARDER_API larder_code larder_invalidate_all(larder_cache* cache, uint64_t* number,
                                             larder_error* error);

typedef struct larder_bytes {
  const void* bytes;
  size_t size;
} larder_bytes;

/* Zeroed but for `struct_size` it covers nothing, which is LARDER_INVALID_ARGUMENT. */
typedef struct larder_invalidation {
  size_t struct_size; /* sizeof(larder_invalidation) */
  const char* const* tags;
  size_t tag_count;
  const larder_bytes* prefixes; /* every entry whose key begins with any of these */
  size_t prefix_count;
  int all;  /* 1: every entry */
  int soft; /* 1: only ends their freshness: those who accept stale entries still get them */
} larder_invalidation;

/* All of it at one instant, under one number. */
LARDER_API larder_code larder_invalidate(larder_cache* cache, const larder_invalidation* what,
                                         uint64_t* number, larder_error* error);
/* Makes every acknowledged put survive loss of power. */
LARDER_API larder_code larder_sync(larder_cache* cache, larder_error* error);

/* ---- computing what is missing, once for all who ask ---- */

typedef enum larder_acquired_kind {
  LARDER_HIT = 0,   /* `entry` is set; if `lease` is too: use the one, and compute its successor */
  LARDER_LEASE = 1, /* `lease` is set: you compute; commit or free it, or all others wait */
  LARDER_FLIGHT = 2 /* `flight` is set: another computes */
} larder_acquired_kind;

typedef struct larder_acquired {
  larder_acquired_kind kind;
  larder_entry* entry;
  larder_lease* lease;
  larder_flight* flight;
  int stale; /* of a hit: past its freshness, as the read allowed */
} larder_acquired;

/* Never fails but for a null argument: with a broken store every caller gets a lease or a flight.
 */
LARDER_API larder_code larder_acquire(larder_cache* cache, const void* key, size_t key_size,
                                      const larder_read_options* options, larder_acquired* acquired,
                                      larder_error* error);

/* Hands a piece to the followers, at once; it is copied. What is stored is up to the commit. */
LARDER_API larder_code larder_lease_append(larder_lease* lease, const void* piece,
                                           size_t piece_size, larder_error* error);
/* Ends the flight with a value: the followers get it, then it is written. Takes the lease over,
 * whatever comes of it. `entry` and `outcome` may be null; the error says why it was not stored. */
LARDER_API larder_code larder_lease_commit(larder_lease* lease, const void* body, size_t body_size,
                                           const larder_write_options* options,
                                           larder_entry** entry, larder_put_outcome* outcome,
                                           larder_error* error);
/* Ends the flight with an error, which the followers share. LARDER_CANCELLED: they acquire again.
 * Takes the lease over. LARDER_OK as `code` counts as LARDER_INTERNAL. */
LARDER_API void larder_lease_abandon(larder_lease* lease, larder_code code, const char* message);
/* As abandoned with LARDER_CANCELLED. */
LARDER_API void larder_lease_free(larder_lease* lease);

/* `entry` (the callback's to free) or, null, the error. Called exactly once. LARDER_CANCELLED, or
 * the LARDER_DEADLINE_EXCEEDED of a lease: acquire again. */
typedef void (*larder_on_end)(void* context, larder_entry* entry, const larder_error* error);
LARDER_API void larder_flight_on_end(larder_flight* flight, larder_on_end callback, void* context);
/* At the latest about when `timeout_ms` have passed, with LARDER_DEADLINE_EXCEEDED: then only this
 * follower has given up. */
LARDER_API void larder_flight_on_end_within(larder_flight* flight, int64_t timeout_ms,
                                            larder_on_end callback, void* context);
/* Piece number `index` (the first is 0) when it is there, valid during the callback; or null when
 * the flight has ended without it. Called exactly once. */
typedef void (*larder_on_piece)(void* context, const void* piece, size_t piece_size);
LARDER_API void larder_flight_on_piece(larder_flight* flight, size_t index,
                                       larder_on_piece callback, void* context);
/* Blocks until the end. Errors: the flight's own; LARDER_DEADLINE_EXCEEDED after `timeout_ms`. */
LARDER_API larder_code larder_flight_wait(larder_flight* flight, int64_t timeout_ms,
                                          larder_entry** entry, larder_error* error);
/* Detaches nobody: callbacks that were asked for still come. */
LARDER_API void larder_flight_free(larder_flight* flight);

/* ---- statistics ---- */

/* Calls back for each statistic, with the names of `cachectl stats --json`. */
LARDER_API void larder_stats(larder_cache* cache,
                             void (*callback)(void* context, const char* name, uint64_t value),
                             void* context);

/* What the store does now, as in larder/health.h: "serving", "degraded", ... Static. */
LARDER_API const char* larder_state(larder_cache* cache);

#ifdef __cplusplus
}
#endif
