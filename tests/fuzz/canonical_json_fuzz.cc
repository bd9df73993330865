// I-JSON: the canonical form is canonical, says the same, and nothing is taken that another parser
// would not take.
#include <cstdint>
#include <nlohmann/json.hpp>

#include "canonical_json.h"
#include "fuzz_check.h"

extern "C" int LLVMFuzzerTestOneInput(const std::uint8_t* data, std::size_t size) {
  using nlohmann::json;
  const std::string_view text(reinterpret_cast<const char*>(data), size);
  const auto value = larder::client::CanonicalizeValue(text);
  constexpr std::string_view kLeaveOut[] = {"stream", "user"};
  const auto object = larder::client::CanonicalizeObject(text, kLeaveOut);
  FUZZ_CHECK(value.ok() || !object.ok());
  if (!value.ok()) return 0;
  // Canonical once more, but for numbers such as 26e18: written as the integer that it is, it is a
  // literal that is refused.
  const auto again = larder::client::CanonicalizeValue(*value);
  FUZZ_CHECK(again.ok() ? *again == *value
                        : again.status().message().starts_with("integer beyond"));
  const json parsed = json::parse(text, nullptr, false);
  FUZZ_CHECK(!parsed.is_discarded());
  FUZZ_CHECK(json::parse(*value) == parsed);
  if (!object.ok()) return 0;
  json kept = parsed;
  for (const std::string_view name : kLeaveOut) kept.erase(std::string(name));
  FUZZ_CHECK(json::parse(object->text) == kept);
  for (const auto& member : object->members) {
    FUZZ_CHECK(json::parse(*object->Find(member.name)) == parsed[member.name]);
  }
  return 0;
}
