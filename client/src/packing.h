// Packing: numbers and strings in a row of bytes, for the formats that response_cache owns.
#pragma once

#include <cstdint>
#include <optional>
#include <string>
#include <string_view>

namespace larder::client {

// LEB128: seven bits a byte, least significant first.
void PackNumber(std::uint64_t number, std::string& out);
// Length, then bytes.
void PackString(std::string_view text, std::string& out);

// Reads what was packed. Trusts no length: anything that does not fit makes it fail for good, and
// reads after that give zeros and empty strings.
class Unpacker {
 public:
  explicit Unpacker(std::string_view bytes) : rest_(bytes) {}

  std::uint64_t Number();
  // Points into the bytes given.
  std::string_view String();
  // Everything was read, and nothing failed.
  bool finished() const { return !failed_ && rest_.empty(); }
  bool failed() const { return failed_; }

 private:
  std::string_view rest_;
  bool failed_ = false;
};

}  // namespace larder::client
