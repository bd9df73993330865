// Headers, Request, Response head: what travels through the client's layers.
#pragma once

#include <atomic>
#include <chrono>
#include <cstdint>
#include <functional>
#include <memory>
#include <optional>
#include <string>
#include <string_view>
#include <vector>

#include "larder/client/cache_status.h"
#include "larder/client/directives.h"

namespace larder::client {

struct Header {
  std::string name;
  std::string value;
  friend bool operator==(const Header&, const Header&) = default;
};

// An ordered list of fields; names compare without regard to case; a name may occur repeatedly.
class Headers {
 public:
  Headers() = default;
  Headers(std::initializer_list<Header> fields) : fields_(fields) {}

  // The first value, or nullptr. Valid until the list changes.
  const std::string* Find(std::string_view name) const;
  bool Has(std::string_view name) const { return Find(name) != nullptr; }
  // All values of `name` joined by ", " (RFC 9110, section 5.3); empty if there is none.
  std::string Joined(std::string_view name) const;
  void Add(std::string name, std::string value);
  // Replaces all fields of that name by one.
  void Set(std::string name, std::string value);
  void Remove(std::string_view name);
  // Removes hop-by-hop fields, also those that `connection` names (RFC 9110, section 7.6.1).
  void RemoveHopByHop();

  auto begin() const { return fields_.begin(); }
  auto end() const { return fields_.end(); }
  std::size_t size() const { return fields_.size(); }
  // The same fields in the same order.
  friend bool operator==(const Headers&, const Headers&) = default;

 private:
  std::vector<Header> fields_;
};

// ASCII only, as HTTP field names are.
bool EqualsIgnoreCase(std::string_view a, std::string_view b);

struct ClientIdentity;  // a certificate and its key

struct Request {
  std::string method = "POST";
  // Path and query, appended to the provider's base URL: "/v1/chat/completions".
  std::string target;
  // As the caller sent them, without hop-by-hop fields; credentials included.
  Headers headers;
  std::string body;
  // What the caller asks of the cache.
  Directives directives;
  // Sending it twice changes nothing upstream but what it costs, so that it may be sent again when
  // a kept connection turns out to be dead. Set by decorators that know; GET, HEAD and the other
  // idempotent methods (RFC 9110, section 9.2.2) need not say so.
  bool repeatable = false;
  // For this caller the exchange is over by then, whatever the provider's limits allow; a fetch
  // that others follow, or that is to be stored, goes on.
  std::optional<std::chrono::steady_clock::time_point> deadline = {};
  // Which of our own credentials it carries, in the order in which they came up: of one provider,
  // connections on which another one travelled are not used for it, and those of a lower number are
  // closed. 0 = none of ours. Set by decorators.
  std::uint64_t credential = 0;
  // With what the connection shows who we are; null = with nothing. Set by decorators.
  std::shared_ptr<const ClientIdentity> identity = nullptr;
  // Who may share the answer, in the place of the credentials in `headers`: set by who has
  // authenticated the caller. All requests with one scope may share.
  std::optional<std::string> scope = {};
  // Told what an answer that was fetched for this request cost, in micro-USD, estimated where no
  // price is known; on any thread, any time after. Not wanted if null.
  std::function<void(std::uint64_t microusd)> on_cost = nullptr;
  // Set by the transport once the upstream may have read of the request; not wanted if null.
  std::shared_ptr<std::atomic<bool>> went_out = nullptr;
};

struct ResponseHead {
  int status = 0;
  // Without hop-by-hop fields; `content-length`, where present, is the length of the body (of the
  // one that GET would get, for HEAD).
  Headers headers;
  // What the cache did; formatted by FormatCacheStatus.
  CacheOutcome cache;
  // The body's end is the end of the connection, which cannot be told from a cut.
  bool ends_by_close = false;
};

}  // namespace larder::client
