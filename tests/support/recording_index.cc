#include "recording_index.h"

#include <algorithm>
#include <array>
#include <nlohmann/json.hpp>

namespace larder::testing {
namespace {

using Json = nlohmann::json;

// The tail of a path says which endpoint it is; prefixes differ from provider to provider.
std::string_view Endpoint(std::string_view path) {
  static constexpr std::array<std::string_view, 5> kEndpoints = {
      "/chat/completions", "/completions", "/responses", "/embeddings", "/messages"};
  path = path.substr(0, path.find('?'));
  for (const std::string_view endpoint : kEndpoints) {
    if (path.ends_with(endpoint)) return endpoint;
  }
  return path;
}

// Equal for requests that are equal as JSON values; empty if `body` is not JSON.
std::string RequestKey(std::string_view path, const std::string& body) {
  const Json request = Json::parse(body, nullptr, /*allow_exceptions=*/false);
  if (request.is_discarded()) return "";
  return std::string(Endpoint(path)) + "\n" + request.dump();
}

// Cuts a stream after each blank line; whatever the line ends are, no byte is lost.
std::vector<std::string> SplitEvents(const std::string& stream) {
  std::vector<std::string> pieces;
  std::size_t from = 0;
  while (from < stream.size()) {
    const std::size_t lf = stream.find("\n\n", from);
    const std::size_t crlf = stream.find("\r\n\r\n", from);
    std::size_t to = stream.size();
    if (lf != std::string::npos) to = lf + 2;
    if (crlf != std::string::npos) to = std::min(to, crlf + 4);
    pieces.push_back(stream.substr(from, to - from));
    from = to;
  }
  return pieces;
}

std::size_t TokensIn(const Json& answer) {
  if (!answer.is_object()) return 0;
  for (const char* holder : {"response", "message"}) {
    if (answer.contains(holder)) return TokensIn(answer[holder]);
  }
  if (!answer.contains("usage") || !answer["usage"].is_object()) return 0;
  for (const char* name : {"completion_tokens", "output_tokens"}) {
    const Json& usage = answer["usage"];
    if (usage.contains(name) && usage[name].is_number_unsigned()) return usage[name];
  }
  return 0;
}

std::size_t CountTokens(const Recording& recording) {
  std::size_t tokens = 0;
  for (const std::string& piece : recording.pieces) {
    std::string_view data = piece;
    if (recording.exchange.is_stream) {
      // One data line an event is all that providers send.
      const std::size_t at = data.find("data:");
      if (at == std::string_view::npos) continue;
      data = data.substr(at + 5, data.find('\n', at) - at - 5);
      if (data.find("\"usage\"") == std::string_view::npos) continue;
    }
    tokens = std::max(tokens, TokensIn(Json::parse(data, nullptr, false)));
  }
  if (tokens > 0) return tokens;
  return recording.exchange.is_stream ? recording.pieces.size()
                                      : recording.exchange.response_body.size() / 4;
}

}  // namespace

RecordingIndex::RecordingIndex(const std::vector<std::string>& files) {
  for (const std::string& file : files) {
    for (RecordedExchange& exchange : LoadRecorded(file)) {
      std::string name = file + "/" + std::to_string(exchange.index);
      Recording recording{name, std::move(exchange), {}, 0};
      recording.pieces = recording.exchange.is_stream
                             ? SplitEvents(recording.exchange.response_body)
                             : std::vector{recording.exchange.response_body};
      recording.tokens = CountTokens(recording);
      const Recording& stored = by_name_.emplace(name, std::move(recording)).first->second;
      Turns& turns =
          by_request_[RequestKey(stored.exchange.target(), stored.exchange.request_body)];
      if (turns.recordings.empty()) turns.file = file;
      if (turns.file == file) turns.recordings.push_back(&stored);
    }
  }
  by_request_.erase("");
}

const Recording* RecordingIndex::Find(std::string_view name) const {
  const auto found = by_name_.find(name);
  return found == by_name_.end() ? nullptr : &found->second;
}

const Recording* RecordingIndex::Match(std::string_view path, const std::string& body) {
  const std::string key = RequestKey(path, body);
  const std::lock_guard lock(mutex_);
  const auto found = by_request_.find(key);
  if (found == by_request_.end()) return nullptr;
  Turns& turns = found->second;
  return turns.recordings[turns.next++ % turns.recordings.size()];
}

}  // namespace larder::testing
