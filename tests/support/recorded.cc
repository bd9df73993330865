#include "recorded.h"

#include <zstd.h>

#include <algorithm>
#include <cctype>
#include <fstream>
#include <iterator>
#include <memory>
#include <nlohmann/json.hpp>
#include <stdexcept>

namespace larder::testing {
namespace {

// Keeps the members in their order, so that a dump is the request as it was written.
using Json = nlohmann::ordered_json;

// The files are packed with a window of 2^27 bytes; zstd refuses such windows by default.
constexpr int kWindowLog = 27;

std::string ReadFile(const std::string& path) {
  std::ifstream file(path, std::ios::binary);
  if (!file) throw std::runtime_error("cannot open " + path);
  return {std::istreambuf_iterator<char>(file), {}};
}

std::string Decompress(const std::string& packed, const std::string& path) {
  std::unique_ptr<ZSTD_DCtx, decltype(&ZSTD_freeDCtx)> context(ZSTD_createDCtx(), &ZSTD_freeDCtx);
  ZSTD_DCtx_setParameter(context.get(), ZSTD_d_windowLogMax, kWindowLog);
  ZSTD_inBuffer in{packed.data(), packed.size(), 0};
  std::string piece(ZSTD_DStreamOutSize(), '\0');
  std::string text;
  std::size_t left = 1;
  while (in.pos < in.size) {
    ZSTD_outBuffer out{piece.data(), piece.size(), 0};
    left = ZSTD_decompressStream(context.get(), &out, &in);
    if (ZSTD_isError(left) != 0) {
      throw std::runtime_error(path + ": " + ZSTD_getErrorName(left));
    }
    text.append(piece, 0, out.pos);
  }
  if (left != 0) throw std::runtime_error(path + ": cut short");
  return text;
}

HeaderList ToHeaders(const Json& object) {
  HeaderList headers;
  for (const auto& [name, value] : object.items()) {
    headers.emplace_back(name, value.get<std::string>());
  }
  return headers;
}

RecordedExchange ToExchange(const Json& record, int index) {
  RecordedExchange exchange;
  exchange.source = record.at("source");
  exchange.license = record.at("license");
  exchange.provider = record.at("provider");
  exchange.endpoint = record.at("endpoint");
  exchange.url = record.at("url");
  exchange.request_headers = ToHeaders(record.at("request_headers"));
  exchange.request_body = record.contains("request_raw")
                              ? record.at("request_raw").get<std::string>()
                              : record.at("request").dump();
  exchange.status = record.at("response_status");
  exchange.response_headers = ToHeaders(record.at("response_headers"));
  exchange.response_body = record.at("response_body");
  exchange.body_is_raw_bytes = record.at("body_is_raw_bytes");
  exchange.is_stream = record.at("format") == "sse";
  exchange.index = index;
  return exchange;
}

bool EqualsIgnoreCase(std::string_view a, std::string_view b) {
  const auto equal = [](unsigned char x, unsigned char y) {
    return std::tolower(x) == std::tolower(y);
  };
  return std::equal(a.begin(), a.end(), b.begin(), b.end(), equal);
}

}  // namespace

std::string RecordedExchange::target() const {
  const std::size_t authority = url.find("://");
  const std::size_t path = url.find('/', authority == std::string::npos ? 0 : authority + 3);
  return path == std::string::npos ? "/" : url.substr(path);
}

std::string RecordedExchange::response_header(std::string_view name) const {
  for (const auto& [field, value] : response_headers) {
    if (EqualsIgnoreCase(field, name)) return value;
  }
  return "";
}

std::vector<RecordedExchange> LoadRecorded(std::string_view name) {
  const std::string path =
      std::string(LARDER_TEST_DATA_DIR) + "/recorded/" + std::string(name) + ".jsonl.zst";
  const std::string text = Decompress(ReadFile(path), path);
  std::vector<RecordedExchange> exchanges;
  std::size_t from = 0;
  while (from < text.size()) {
    const std::size_t end = std::min(text.find('\n', from), text.size());
    if (end > from) {
      const Json record = Json::parse(text.begin() + static_cast<std::ptrdiff_t>(from),
                                      text.begin() + static_cast<std::ptrdiff_t>(end));
      exchanges.push_back(ToExchange(record, static_cast<int>(exchanges.size())));
    }
    from = end + 1;
  }
  return exchanges;
}

const std::vector<std::string>& RecordedNames() {
  static const std::vector<std::string> names = {
      "anthropic_messages.json", "anthropic_messages.sse",
      "chat_completions.json",   "chat_completions.sse",
      "completions.json",        "completions.sse",
      "embeddings.json",         "errors",
      "responses.json",          "responses.sse"};
  return names;
}

}  // namespace larder::testing
