#include "price_table.h"

#include <algorithm>
#include <charconv>
#include <string>
#include <vector>

#include "ascii.h"
#include "price_table_data.h"

namespace larder::client {
namespace {

struct Row {
  std::string_view host;
  char kind = '=';
  std::string_view model;
  ModelPrice price;
};

std::string_view TakeUntil(char end, std::string_view& rest) {
  const std::size_t at = std::min(rest.find(end), rest.size());
  const std::string_view taken = rest.substr(0, at);
  rest.remove_prefix(std::min(at + 1, rest.size()));
  return taken;
}

// An empty column costs what `otherwise` does.
double Number(std::string_view text, double otherwise) {
  std::from_chars(text.data(), text.data() + text.size(), otherwise);
  return otherwise;
}

std::vector<Row> ReadTable() {
  std::vector<Row> rows;
  std::string_view rest = kPriceTable;
  while (!rest.empty()) {
    std::string_view line = TakeUntil('\n', rest);
    if (line.empty() || line.starts_with('#')) continue;
    Row row;
    row.host = TakeUntil('\t', line);
    row.kind = TakeUntil('\t', line).front();
    row.model = TakeUntil('\t', line);
    row.price.input = Number(TakeUntil('\t', line), 0);
    row.price.output = Number(TakeUntil('\t', line), 0);
    row.price.cached_input = Number(TakeUntil('\t', line), row.price.input);
    row.price.cache_write = Number(TakeUntil('\t', line), row.price.input);
    rows.push_back(row);
  }
  return rows;
}

bool Matches(const Row& row, std::string_view model) {
  switch (row.kind) {
    case '=': return model == row.model;
    case '^': return model.starts_with(row.model);
    case '$': return model.ends_with(row.model);
    default: return model.find(row.model) != std::string_view::npos;
  }
}

// A whole name, else the longest part of the name, of one host: that in `base_url`, or, where it
// is empty, the first that has it.
const Row* Find(const std::vector<Row>& rows, std::string_view model, std::string_view base_url) {
  const Row* best = nullptr;
  for (const Row& row : rows) {
    if (!base_url.empty() && base_url.find(row.host) == std::string_view::npos) continue;
    if (base_url.empty() && best != nullptr && best->host != row.host) break;
    if (!Matches(row, model)) continue;
    if (row.kind == '=') return &row;
    if (best == nullptr || row.model.size() > best->model.size()) best = &row;
  }
  return best;
}

}  // namespace

std::optional<ModelPrice> BuiltInPrice(std::string_view base_url, std::string_view model) {
  static const std::vector<Row> rows = ReadTable();
  if (model.empty()) return std::nullopt;
  const std::string name = LowerAscii(model);
  const Row* row = base_url.empty() ? nullptr : Find(rows, name, base_url);
  if (row == nullptr) row = Find(rows, name, "");
  if (row == nullptr) return std::nullopt;
  return row->price;
}

std::string_view PriceTableTitle() {
  std::string_view rest = kPriceTable;
  return TakeUntil('\n', rest);
}

}  // namespace larder::client
