#include "trace.h"

#include <xxhash.h>
#include <zstd.h>

#include <charconv>
#include <filesystem>
#include <fstream>
#include <iterator>
#include <memory>
#include <string_view>
#include <unordered_map>

namespace larder::hit_ratio {
namespace {

Result<std::string> Inflate(std::string_view packed) {
  const std::unique_ptr<ZSTD_DCtx, decltype(&ZSTD_freeDCtx)> context(ZSTD_createDCtx(),
                                                                     ZSTD_freeDCtx);
  std::string text;
  std::string piece(ZSTD_DStreamOutSize(), '\0');
  ZSTD_inBuffer in{packed.data(), packed.size(), 0};
  std::size_t wanted = 1;
  while (in.pos < in.size || wanted != 0) {
    ZSTD_outBuffer out{piece.data(), piece.size(), 0};
    wanted = ZSTD_decompressStream(context.get(), &out, &in);
    if (ZSTD_isError(wanted)) return Status(StatusCode::kDataLoss, ZSTD_getErrorName(wanted));
    if (in.pos == in.size && out.pos == 0 && wanted != 0) {
      return Status(StatusCode::kDataLoss, "cut short");
    }
    text.append(piece, 0, out.pos);
  }
  return text;
}

Result<std::string> ReadText(const std::string& path) {
  std::ifstream file(path, std::ios::binary);
  if (!file.is_open()) return Status(StatusCode::kNotFound, "no trace at " + path);
  std::string bytes{std::istreambuf_iterator<char>(file), {}};
  if (!path.ends_with(".zst")) return bytes;
  Result<std::string> text = Inflate(bytes);
  return text.ok() ? text : Result<std::string>(text.status().WithContext(path));
}

std::string_view TakeUntil(std::string_view& in, char end) {
  const std::size_t at = in.find(end);
  const std::string_view part = in.substr(0, at);
  in.remove_prefix(at == std::string_view::npos ? in.size() : at + 1);
  return part;
}

template <typename Number>
bool Parse(std::string_view text, Number& number) {
  const auto [end, error] = std::from_chars(text.data(), text.data() + text.size(), number);
  return error == std::errc() && end == text.data() + text.size();
}

std::vector<std::string_view> Split(std::string_view line) {
  if (line.ends_with('\r')) line.remove_suffix(1);
  std::vector<std::string_view> fields;
  while (!line.empty()) fields.push_back(TakeUntil(line, ','));
  return fields;
}

// Fills what the row says beside its key; what is left out stays as it is.
bool ReadFields(const std::vector<std::string_view>& names,
                const std::vector<std::string_view>& row, Item& item) {
  if (row.size() != names.size()) return false;
  for (std::size_t i = 0; i < names.size(); ++i) {
    if (names[i] == "size" && (!Parse(row[i], item.bytes) || item.bytes == 0)) return false;
    if (names[i] == "miss_cost" && (!Parse(row[i], item.cost) || item.cost < 0)) return false;
  }
  return true;
}

}  // namespace

std::uint64_t Trace::FootprintBytes() const {
  std::uint64_t bytes = 0;
  for (const Item& item : items) bytes += item.bytes;
  return bytes;
}

Result<Trace> ReadTrace(const std::string& path, std::uint64_t most_accesses) {
  const Result<std::string> text = ReadText(path);
  if (!text.ok()) return text.status();
  std::string_view rest = *text;
  const std::vector<std::string_view> names = Split(TakeUntil(rest, '\n'));
  if (names.empty() || names[0] != "key") {
    return Status(StatusCode::kDataLoss, path + ": the first line does not begin with 'key'");
  }
  Trace trace;
  trace.name = std::filesystem::path(path).filename().string();
  trace.name.resize(trace.name.find(".csv"));
  std::unordered_map<std::string_view, std::uint32_t> index;
  for (std::uint64_t line = 2; !rest.empty() && trace.accesses.size() < most_accesses; ++line) {
    const std::vector<std::string_view> row = Split(TakeUntil(rest, '\n'));
    Item item;
    if (!ReadFields(names, row, item)) {
      return Status(StatusCode::kDataLoss, path + ":" + std::to_string(line) + ": not a row");
    }
    const auto [found, added] = index.emplace(row[0], trace.items.size());
    if (added) {
      item.hash = XXH3_64bits(row[0].data(), row[0].size());
      trace.items.push_back(item);
    }
    trace.accesses.push_back(found->second);
  }
  return trace;
}

}  // namespace larder::hit_ratio
