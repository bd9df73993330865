// WireClient: a caller that sends any bytes, and sees exactly what comes back.
#pragma once

#include <chrono>
#include <cstdint>
#include <optional>
#include <string>
#include <string_view>
#include <vector>

#include "larder/client/message.h"

namespace larder::testing {

struct WireAnswer {
  int status = 0;  // 0: the connection ended without an answer
  client::Headers headers;
  std::string body;
  // Of a chunked answer: its chunks.
  std::vector<std::string> chunks;
  // As the framing says; false: the connection ended before.
  bool whole = false;
  // The connection was reset, not closed.
  bool reset = false;

  std::string header(std::string_view name) const { return headers.Joined(name); }
};

// One connection; one thread. Reads give up, as if the peer had closed, after a minute.
class WireClient {
 public:
  // "http://127.0.0.1:8080". `receive_buffer`: of the kernel, 0 = as usual. `from`: the caller's
  // own address; any of 127.0.0.0/8 will do.
  explicit WireClient(std::string_view url, int receive_buffer = 0, const char* from = "127.0.0.1");
  ~WireClient();
  WireClient(WireClient&& other) noexcept;
  WireClient& operator=(WireClient&& other) noexcept;
  WireClient(const WireClient&) = delete;

  // False once the peer takes nothing more.
  bool Send(std::string_view bytes);
  // A whole request with host and, if it has a body, content-length.
  bool SendRequest(std::string_view method, std::string_view target, std::string_view body = {},
                   const client::Headers& headers = {});

  // The next answer, without interim ones. `head_only`: it answers a HEAD.
  WireAnswer Read(bool head_only = false);
  // Status and fields of the next answer; the body follows by ReadSome or ReadRest.
  WireAnswer ReadHead();
  // Reads until what was received of the body contains `text`; true if it does.
  bool ReadUntil(WireAnswer& answer, std::string_view text);
  // The rest of the answer's body.
  void ReadRest(WireAnswer& answer);
  // Exactly so many bytes, unless the peer closes before.
  std::string ReadBytes(std::size_t count);
  // Whatever comes until the peer closes.
  std::string ReadToEnd();
  // Whether the peer closes without sending anything more.
  bool IsClosed();

  // Sends and reads.
  WireAnswer Ask(std::string_view method, std::string_view target, std::string_view body = {},
                 const client::Headers& headers = {});

  void CloseSending();
  void Close();

 private:
  bool Fill();
  std::optional<std::string> Line();
  bool ReadPiece(WireAnswer& answer);

  int socket_ = -1;
  std::string input_;
  bool reset_ = false;
};

// One request on a connection of its own.
WireAnswer Ask(std::string_view url, std::string_view method, std::string_view target,
               std::string_view body = {}, const client::Headers& headers = {});

}  // namespace larder::testing
