#include "price_table.h"

#include <algorithm>
#include <charconv>
#include <string>
#include <unordered_map>
#include <utility>
#include <vector>

#include "ascii.h"
#include "price_table_data.h"

namespace larder::client {
namespace {

// A part of a model's name. '#': begins with it, and a digit follows.
struct Pattern {
  char kind = '^';
  std::string_view part;
  ModelPrice price;
};

struct Host {
  std::string_view name;
  std::unordered_map<std::string_view, ModelPrice> models = {};
  std::vector<Pattern> patterns = {};
};

std::string_view TakeUntil(char end, std::string_view& rest) {
  const std::size_t at = std::min(rest.find(end), rest.size());
  const std::string_view taken = rest.substr(0, at);
  rest.remove_prefix(std::min(at + 1, rest.size()));
  return taken;
}

// An empty column is worth `otherwise`.
template <typename T>
T Number(std::string_view text, T otherwise) {
  std::from_chars(text.data(), text.data() + text.size(), otherwise);
  return otherwise;
}

ModelPrice TakePrice(std::string_view& line) {
  ModelPrice price;
  price.input = Number(TakeUntil('\t', line), 0.0);
  price.output = Number(TakeUntil('\t', line), 0.0);
  price.cached_input = Number(TakeUntil('\t', line), price.input);
  price.cache_write = Number(TakeUntil('\t', line), price.input);
  price.over_input_tokens = Number(TakeUntil('\t', line), std::uint64_t{0});
  return price;
}

// Of one name that is there twice the first line counts. Null: this is such a second one.
ModelPrice* AddModel(Host& host, char kind, std::string_view model, ModelPrice price) {
  if (kind != '=') {
    host.patterns.push_back({kind, model, std::move(price)});
    return &host.patterns.back().price;
  }
  const auto [at, is_new] = host.models.try_emplace(model, std::move(price));
  return is_new ? &at->second : nullptr;
}

std::vector<Host> ReadTable() {
  std::vector<Host> hosts;
  ModelPrice* last = nullptr;
  std::string_view rest = kPriceTable;
  while (!rest.empty()) {
    std::string_view line = TakeUntil('\n', rest);
    if (line.empty() || line.starts_with('#')) continue;
    const std::string_view host = TakeUntil('\t', line);
    const char kind = TakeUntil('\t', line).front();
    const std::string_view model = TakeUntil('\t', line);
    ModelPrice price = TakePrice(line);
    if (price.over_input_tokens != 0) {  // a tier of the line before
      if (last != nullptr) last->tiers.push_back(std::move(price));
      continue;
    }
    if (hosts.empty() || hosts.back().name != host) hosts.push_back({.name = host});
    last = AddModel(hosts.back(), kind, model, std::move(price));
  }
  return hosts;
}

bool Matches(const Pattern& pattern, std::string_view model) {
  const std::string_view part = pattern.part;
  switch (pattern.kind) {
    case '^': return model.starts_with(part);
    case '$': return model.ends_with(part);
    case '#':
      return model.starts_with(part) && model.size() > part.size() && model[part.size()] >= '0' &&
             model[part.size()] <= '9';
    default: return model.find(part) != std::string_view::npos;
  }
}

// A whole name, else the longest part of the name.
const ModelPrice* FindModel(const Host& host, std::string_view model) {
  const auto whole = host.models.find(model);
  if (whole != host.models.end()) return &whole->second;
  const Pattern* best = nullptr;
  for (const Pattern& pattern : host.patterns) {
    if (best != nullptr && pattern.part.size() <= best->part.size()) continue;
    if (Matches(pattern, model)) best = &pattern;
  }
  return best == nullptr ? nullptr : &best->price;
}

}  // namespace

const ModelPrice& ModelPrice::Of(std::uint64_t input_tokens) const {
  const ModelPrice* best = this;
  for (const ModelPrice& tier : tiers) {
    const bool over = input_tokens > tier.over_input_tokens;
    if (over && tier.over_input_tokens >= best->over_input_tokens) best = &tier;
  }
  return *best;
}

std::optional<ModelPrice> BuiltInPrice(std::string_view base_url, std::string_view model) {
  static const std::vector<Host> hosts = ReadTable();
  if (model.empty()) return std::nullopt;
  const std::string name = LowerAscii(model);
  for (const Host& host : hosts) {
    if (base_url.find(host.name) == std::string_view::npos) continue;
    if (const ModelPrice* price = FindModel(host, name)) return *price;
  }
  for (const Host& host : hosts) {
    if (const ModelPrice* price = FindModel(host, name)) return *price;
  }
  return std::nullopt;
}

std::string_view PriceTableTitle() {
  std::string_view rest = kPriceTable;
  return TakeUntil('\n', rest);
}

}  // namespace larder::client
