// Recorded exchanges with real providers, from tests/data/recorded (origins and licences there).
#pragma once

#include <string>
#include <string_view>
#include <utility>
#include <vector>

namespace larder::testing {

using HeaderList = std::vector<std::pair<std::string, std::string>>;

// One request and the answer that a provider gave to it.
struct RecordedExchange {
  std::string source;          // repository@commit:file#index
  std::string license;         // of that source, an SPDX name
  std::string provider;        // "openai", "groq", "azure", ...
  std::string endpoint;        // "chat_completions", "responses", "anthropic_messages", ...
  std::string url;             // as requested, host included
  HeaderList request_headers;  // in the order of the record; credentials were never recorded
  // The bytes sent where they were recorded, else a compact dump of the parsed request.
  std::string request_body;
  int status = 0;
  HeaderList response_headers;
  std::string response_body;  // exact bytes where body_is_raw_bytes, else a compact dump
  bool body_is_raw_bytes = false;
  bool is_stream = false;  // server-sent events
  int index = 0;           // position in its file, from 0

  // Path and query of `url`: "/v1/chat/completions".
  std::string target() const;
  // The first value of a header, names in any case; empty if there is none.
  std::string response_header(std::string_view name) const;
};

// All exchanges of tests/data/recorded/<name>.jsonl.zst, in order; for example
// LoadRecorded("chat_completions.json"). Throws std::runtime_error that names the file.
std::vector<RecordedExchange> LoadRecorded(std::string_view name);

// The names that LoadRecorded takes, all of them.
const std::vector<std::string>& RecordedNames();

}  // namespace larder::testing
