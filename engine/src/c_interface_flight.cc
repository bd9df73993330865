// The C interface's leases and flights.
#include <utility>

#include "c_interface.h"

namespace {

using namespace larder::c;  // NOLINT: what the handles hold and how errors come
using larder::Status;
using larder::StatusCode;

// The entry, or the error, of a flight that has ended.
larder_entry* Outcome(const larder::FlightEnd& end) {
  return end.entry.has_value() ? NewEntry(*end.entry) : nullptr;
}

}  // namespace

extern "C" {

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
  larder_flight_on_end_within(flight, LARDER_FOREVER, callback, context);
}

void larder_flight_on_end_within(larder_flight* flight, int64_t timeout_ms, larder_on_end callback,
                                 void* context) {
  if (flight == nullptr || callback == nullptr) return;
  const larder_code asked = Guarded(nullptr, [&] {
    const auto told = [callback, context](const larder::FlightEnd& end) {
      larder_entry* entry = nullptr;
      larder_error error{};
      const auto convert = [&] {
        entry = Outcome(end);
        return end.status;
      };
      Guarded(&error, convert);
      callback(context, entry, &error);
    };
    flight->flight.OnEnd(told, ToDuration(timeout_ms));
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

}  // extern "C"
