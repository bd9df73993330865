#include "gunzip.h"

#include <algorithm>
#include <boost/beast/zlib/inflate_stream.hpp>
#include <cstdint>

namespace larder::client {
namespace {

namespace zlib = boost::beast::zlib;

constexpr std::size_t kFixedHeader = 10;
constexpr std::size_t kTrailer = 8;  // a checksum and the length, both of four bytes

std::size_t ByteAt(std::string_view bytes, std::size_t at) {
  return static_cast<unsigned char>(bytes[at]);
}

// Takes the header off. False: this is no gzip stream.
bool TakeHeader(std::string_view& bytes) {
  constexpr std::size_t kHasChecksum = 2;
  constexpr std::size_t kHasExtra = 4;
  constexpr std::size_t kHasName = 8;
  constexpr std::size_t kHasComment = 16;
  constexpr std::string_view kDeflated = "\x1f\x8b\x08";
  if (bytes.size() < kFixedHeader + kTrailer || !bytes.starts_with(kDeflated)) return false;
  const std::size_t flags = ByteAt(bytes, kDeflated.size());
  std::size_t size = kFixedHeader;
  if ((flags & kHasExtra) != 0) size += 2 + ByteAt(bytes, size) + ByteAt(bytes, size + 1) * 256;
  for (const std::size_t text : {kHasName, kHasComment}) {
    if ((flags & text) == 0) continue;
    const std::size_t end = bytes.find('\0', size);
    if (end == bytes.npos) return false;
    size = end + 1;
  }
  if ((flags & kHasChecksum) != 0) size += 2;
  if (size + kTrailer > bytes.size()) return false;
  bytes.remove_prefix(size);
  return true;
}

}  // namespace

std::optional<std::string> Gunzip(std::string_view bytes, std::size_t most_bytes) {
  if (!TakeHeader(bytes)) return std::nullopt;
  constexpr std::size_t kPiece = std::size_t{64} << 10;
  zlib::inflate_stream stream;
  zlib::z_params state;
  state.next_in = bytes.data();
  state.avail_in = bytes.size();  // it sees the end only where something follows
  std::string text;
  boost::system::error_code error;
  while (!error) {
    if (text.size() > most_bytes) return std::nullopt;
    const std::size_t before = text.size();
    text.resize(before + kPiece);
    state.next_out = text.data() + before;
    state.avail_out = kPiece;
    stream.write(state, zlib::Flush::sync, error);
    text.resize(before + kPiece - state.avail_out);
  }
  if (error != zlib::error::end_of_stream || state.avail_in != kTrailer) return std::nullopt;
  std::uint32_t length = 0;
  for (std::size_t i = 1; i <= 4; ++i) {
    length = length * 256 + static_cast<std::uint32_t>(ByteAt(bytes, bytes.size() - i));
  }
  const bool whole = length == static_cast<std::uint32_t>(text.size());
  if (!whole || text.size() > most_bytes) return std::nullopt;
  return text;
}

}  // namespace larder::client
