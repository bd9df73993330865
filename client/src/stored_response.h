// StoredResponse: what is stored of an answer beside its body, and its form on disk.
//
// It travels as the entry's metadata, so that an answer's facts are known without decompressing
// its body. The body is, for JSON, the bytes as they were received; for an event stream, the
// normalised events as text, so that a replay is a slice of it.
//
// On disk, as docs/format.md spells it: varint format version (2) · string endpoint · varint form
// (0 JSON, 1 events) · varint flags (1 has usage, 2 usage was asked for, 4 has a usage event, 8 the
// cost is priced) · varint status · string model · if it has usage: varints input, cached input,
// output, cache write tokens · if it has a usage event: varints offset and size in the body · then,
// to the end, header fields: string name, string value.
// Version 1 has no endpoint, which was "openai.chat", and no cache write tokens.
#pragma once

#include <cstdint>
#include <optional>
#include <string>
#include <string_view>

#include "dialect.h"
#include "larder/client/message.h"

namespace larder::client {

enum class Form : std::uint8_t { kJson = 0, kEvents = 1 };

struct ByteRange {
  std::uint64_t from = 0;
  std::uint64_t count = 0;
  friend bool operator==(const ByteRange&, const ByteRange&) = default;
};

struct StoredResponse {
  // Whose answer it is, which can bring it into the other form; null: nobody can.
  const Endpoint* endpoint = nullptr;
  Form form = Form::kJson;
  int status = 200;
  Headers headers;    // those that a hit shows
  std::string model;  // as the answer names it
  std::optional<Usage> usage;
  // Of an event stream: it was asked for usage; and where in the body the event that reports it is.
  bool usage_asked = false;
  std::optional<ByteRange> usage_event;
  // The entry's cost comes from a price, not from an estimate.
  bool priced = false;
};

// At most larder::kMaxMetadataBytes; header fields that do not fit are left out, last ones first.
std::string EncodeStoredResponse(const StoredResponse& response);
// nullopt: not a format or an endpoint that this version knows.
std::optional<StoredResponse> DecodeStoredResponse(std::string_view bytes);

}  // namespace larder::client
