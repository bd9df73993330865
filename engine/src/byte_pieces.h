// Bytes that go and come in pieces, so that what is large is not in memory twice; and the checksum
// that stands after them.
#pragma once

#include <cstddef>
#include <cstdint>
#include <functional>
#include <memory>
#include <span>
#include <string>
#include <string_view>

#include "larder/status.h"

struct XXH3_state_s;

namespace larder {

using ByteSink = std::function<Status(std::string_view)>;

struct ByteSource {
  std::uint64_t size = 0;
  // Fills `out` with what stands at `at`; all of it is within `size`.
  std::function<Status(std::uint64_t at, std::span<char> out)> read = {};
};

inline constexpr std::size_t kPieceBytes = std::size_t{16} << 10;

// XXH3-64.
class RunningChecksum {
 public:
  static constexpr std::size_t kBytes = 8;

  RunningChecksum();
  void Add(std::string_view bytes);
  std::uint64_t sum() const;

 private:
  struct Free {
    void operator()(XXH3_state_s* state) const;
  };
  const std::unique_ptr<XXH3_state_s, Free> state_;
};

// What is appended goes to the sink, at last with its checksum. After an error nothing does.
class ChecksummedWriter {
 public:
  // `sink` must outlive it.
  explicit ChecksummedWriter(const ByteSink& sink);

  void push_back(char byte) { append({&byte, 1}); }
  void append(std::string_view bytes);
  // Once. The sink's error, if it had one.
  Status Finish();

 private:
  void PassOn();

  const ByteSink& sink_;
  RunningChecksum checksum_;
  std::string piece_;
  Status status_;
};

// Reads all of it. Errors: kDataLoss (its end is not the checksum of what is before); those of
// `read`.
Status VerifyChecksum(const ByteSource& source);

}  // namespace larder
