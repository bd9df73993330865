// A body of which only some fields are read, in one pass: they are those of its tree. And one that
// is gzip, with a header before it and as it is: what it holds is bounded.
#include <cstddef>
#include <cstdint>
#include <nlohmann/json.hpp>
#include <string>
#include <string_view>

#include "body_fields.h"
#include "fuzz_check.h"
#include "gunzip.h"

namespace {

using nlohmann::json;

json FieldOf(const json& tree, const char* name) {
  if (!tree.is_object() || !tree.contains(name)) return nullptr;
  return tree[name];
}

json ScalarOf(const json& value) { return value.is_structured() ? json() : value; }

void ReadFields(std::string_view text) {
  larder::client::BodyFields fields = {{"a", nullptr}, {"b.c", nullptr}};
  larder::client::ReadBodyFields(text, fields);
  const json tree = json::parse(text, nullptr, /*allow_exceptions=*/false);
  FUZZ_CHECK(fields["a"] == ScalarOf(FieldOf(tree, "a")));
  FUZZ_CHECK(fields["b.c"] == ScalarOf(FieldOf(FieldOf(tree, "b"), "c")));
}

void Unzip(std::string_view bytes) {
  constexpr std::size_t kMost = std::size_t{1} << 20;
  const auto text = larder::client::Gunzip(bytes, kMost);
  if (text) FUZZ_CHECK(text->size() <= kMost);
}

}  // namespace

extern "C" int LLVMFuzzerTestOneInput(const std::uint8_t* data, std::size_t size) {
  const std::string text(reinterpret_cast<const char*>(data), size);
  ReadFields(text);
  Unzip(text);
  Unzip(std::string("\x1f\x8b\x08\0\0\0\0\0\0\xff", 10) + text);
  return 0;
}
