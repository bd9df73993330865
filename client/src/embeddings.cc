#include "embeddings.h"

#include <algorithm>
#include <cstdint>
#include <nlohmann/json.hpp>
#include <utility>

#include "answer_json.h"
#include "json_slices.h"

namespace larder::client {
namespace {

using nlohmann::json;

// Fields that leave vectors what they are by default, lists of 32-bit floats.
bool LeavesFloats(const CanonicalObject& object) {
  constexpr std::string_view kKnown[] = {"input",      "model",           "dimensions",
                                         "user",       "encoding_format", "input_type",
                                         "truncation", "output_dimension"};
  for (const CanonicalObject::Member& member : object.members) {
    const bool known =
        std::find(std::begin(kKnown), std::end(kKnown), member.name) != std::end(kKnown);
    const std::string_view value = object.ValueOf(member);
    const bool is_default =
        value == "null" || (member.name == "output_dtype" && value == "\"float\"");
    if (!known && !is_default) return false;
  }
  return true;
}

// `input` is one text, one list of tokens, or a list of either.
std::vector<std::string> ItemsOf(std::string_view input) {
  if (!input.starts_with('[')) return {std::string(input)};
  const std::vector<std::string_view> elements = ElementsOf(input);
  const bool tokens =
      !elements.empty() && !elements.front().starts_with('"') && !elements.front().starts_with('[');
  if (tokens) return {std::string(input)};
  return {elements.begin(), elements.end()};
}

// The share of the bytes from `begin` to `end` of `all`.
std::uint64_t Share(std::uint64_t count, std::uint64_t begin, std::uint64_t end,
                    std::uint64_t all) {
  __extension__ using Wide = unsigned __int128;
  const auto up_to = [&](std::uint64_t bytes) {
    return static_cast<std::uint64_t>(Wide{count} * bytes / all);
  };
  return up_to(end) - up_to(begin);
}

struct Part {
  std::uint64_t begin;
  std::uint64_t end;
  std::uint64_t all;
};

json ShareOf(const json& usage, const Part& part) {
  if (usage.is_number_unsigned()) {
    return Share(usage.get<std::uint64_t>(), part.begin, part.end, part.all);
  }
  if (!usage.is_object()) return usage;
  json share = json::object();
  for (const auto& [name, value] : usage.items()) share[name] = ShareOf(value, part);
  return share;
}

void AddShare(const json& share, json& sum) {
  if (share.is_number_unsigned() && sum.is_number_unsigned()) {
    sum = sum.get<std::uint64_t>() + share.get<std::uint64_t>();
  } else if (share.is_object() && sum.is_object()) {
    for (const auto& [name, value] : share.items()) {
      const auto [slot, is_new] = sum.emplace(name, value);
      if (!is_new) AddShare(value, *slot);
    }
  }
}

// The `count` elements of `data` by their index, or by position where none has one; empty if it has
// others.
std::vector<std::vector<MemberSlice>> ByIndex(std::string_view data, std::size_t count) {
  const std::vector<std::string_view> elements = ElementsOf(data, count);
  if (elements.size() != count) return {};
  std::vector<std::vector<MemberSlice>> sorted(elements.size());
  for (std::size_t i = 0; i < elements.size(); ++i) {
    std::vector<MemberSlice> members = MembersOf(elements[i], kMostMembers);
    if (members.size() > kMostMembers) return {};
    const std::string_view index = FindSlice(members, "index");
    const json number = index.empty() ? json(i) : ParseAnswer(index).value_or(json());
    if (!number.is_number_unsigned()) return {};
    const auto at = number.get<std::uint64_t>();
    if (at >= sorted.size() || !sorted[at].empty()) return {};
    sorted[at] = std::move(members);
  }
  return sorted;
}

std::string WithIndex(const std::vector<MemberSlice>& element, std::size_t index,
                      std::string_view vector) {
  ObjectWriter writer;
  for (const MemberSlice& member : element) {
    if (member.name == "index") {
      writer.Add(member.name, std::to_string(index));
    } else {
      writer.Add(member.name, member.name == "embedding" ? vector : member.value);
    }
  }
  return writer.Take();
}

// `answer` with other data and another usage.
std::string With(const std::vector<MemberSlice>& answer, std::string_view data, const json& usage) {
  ObjectWriter writer;
  for (const MemberSlice& member : answer) {
    if (member.name == "data") {
      writer.Add(member.name, data);
    } else if (member.name == "usage" && usage.is_object()) {
      writer.Add(member.name, DumpJson(usage));
    } else {
      writer.Add(member.name, member.value);
    }
  }
  return writer.Take();
}

std::uint64_t BytesBesideData(const std::vector<MemberSlice>& answer) {
  std::uint64_t bytes = 0;
  for (const MemberSlice& member : answer) {
    if (member.name != "data") bytes += member.name.size() + member.value.size();
  }
  return bytes;
}

bool IsEmptyVector(std::string_view vector) {
  return vector == "\"\"" || (vector.starts_with('[') && ElementsOf(vector, 1).empty());
}

// The one element of an item's answer, in the form that is wanted; nullopt: not exactly.
std::optional<std::string> ElementFor(const EmbeddingsBatch& batch,
                                      const std::vector<MemberSlice>& answer, std::size_t index) {
  const std::vector<std::string_view> elements = ElementsOf(FindSlice(answer, "data"));
  if (elements.size() != 1) return std::nullopt;
  const std::vector<MemberSlice> element = MembersOf(elements.front());
  const std::string_view vector = FindSlice(element, "embedding");
  if (!batch.wanted) return WithIndex(element, index, vector);
  if (VectorFormOf(vector) != batch.wanted && !batch.convertible) return std::nullopt;
  const std::optional<std::string> given = VectorAs(*batch.wanted, vector);
  if (!given) return std::nullopt;
  return WithIndex(element, index, *given);
}

}  // namespace

std::string EmbeddingsBatch::RequestFor(const std::vector<std::string_view>& wanted_items) const {
  std::string body = body_before + "[";
  for (std::size_t i = 0; i < wanted_items.size(); ++i) {
    if (i > 0) body += ',';
    body += wanted_items[i];
  }
  return body + "]" + body_after;
}

std::optional<VectorForm> FormOfVectors(const CanonicalObject& object) {
  const std::string_view format = object.Find("encoding_format").value_or("null");
  if (format == "null" || format == "\"float\"") return VectorForm::kFloats;
  if (format == "\"base64\"") return VectorForm::kBase64;
  return std::nullopt;
}

std::shared_ptr<const EmbeddingsBatch> PlanBatch(const CanonicalObject& object) {
  const auto input = object.Find("input");
  if (!input) return nullptr;
  auto batch = std::make_shared<EmbeddingsBatch>();
  batch->items = ItemsOf(*input);
  if (batch->items.empty()) return nullptr;
  batch->wanted = FormOfVectors(object);
  batch->convertible = LeavesFloats(object);
  ObjectWriter all;
  const std::string_view mark = "\x01";  // stands nowhere else: JSON has no control characters
  ObjectWriter kept;
  for (const CanonicalObject::Member& member : object.members) {
    const std::string_view value = member.name == "input" ? mark : object.ValueOf(member);
    all.Add(member.name, value);
    if (member.kept) kept.Add(member.name, value);
  }
  const auto cut = [&](const std::string& text, std::string& before, std::string& after) {
    const std::size_t at = text.find(mark);
    before = text.substr(0, at);
    after = text.substr(at + mark.size());
  };
  cut(all.Take(), batch->body_before, batch->body_after);
  cut(kept.Take(), batch->key_before, batch->key_after);
  return batch;
}

BatchAnswer SplitBatchAnswer(std::string_view answer, const std::vector<std::string_view>& items) {
  if (!json::accept(answer)) return {"invalid", {}};
  const std::vector<MemberSlice> members = MembersOf(answer, kMostMembers);
  if (members.size() > kMostMembers) return {"too_complex", {}};
  const std::string_view error = FindSlice(members, "error");
  if (!error.empty() && error != "null") return {"error", {}};
  const auto elements = ByIndex(FindSlice(members, "data"), items.size());
  if (elements.empty()) return {"invalid", {}};
  if (BytesBesideData(members) * items.size() > kMaxRepeatedBytes) return {"too_large", {}};
  const std::string_view told = FindSlice(members, "usage");
  const std::optional<json> usage = ParseAnswer(told);
  if (!usage && !told.empty()) return {"too_complex", {}};
  Part part{0, 0, 0};
  for (const std::string_view item : items) part.all += item.size();
  BatchAnswer split;
  for (std::size_t i = 0; i < items.size(); ++i) {
    part.begin = part.end;
    part.end += items[i].size();
    const std::string_view vector = FindSlice(elements[i], "embedding");
    if (!IsVector(vector)) return {"invalid", {}};
    if (IsEmptyVector(vector)) return {"empty", {}};
    const std::string element = WithIndex(elements[i], 0, vector);
    const json share = usage ? ShareOf(*usage, part) : json();
    split.items.push_back(With(members, "[" + element + "]", share));
  }
  return split;
}

std::optional<std::string> ComposeBatchAnswer(const EmbeddingsBatch& batch,
                                              const std::vector<std::string_view>& answers,
                                              std::vector<std::size_t>& unfit) {
  unfit.clear();
  std::string data = "[";
  json usage;
  for (std::size_t i = 0; i < answers.size(); ++i) {
    const std::vector<MemberSlice> members = MembersOf(answers[i]);
    const std::optional<std::string> element = ElementFor(batch, members, i);
    if (!element) unfit.push_back(i);
    if (!unfit.empty()) continue;
    if (i > 0) data += ',';
    data += *element;
    const json share = ParseAnswer(FindSlice(members, "usage")).value_or(json());
    if (i == 0) usage = share;
    if (i > 0) AddShare(share, usage);
  }
  if (!unfit.empty()) return std::nullopt;
  data += ']';
  return With(MembersOf(answers.front()), data, usage);
}

}  // namespace larder::client
