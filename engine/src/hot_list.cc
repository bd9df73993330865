#include "hot_list.h"

#include <xxhash.h>

#include <cstdint>

#include "larder/options.h"
#include "varint.h"

namespace larder {
namespace {

constexpr std::string_view kMagic = "larder hot 1\n";
constexpr std::size_t kChecksumBytes = 8;

std::uint64_t ReadChecksum(std::string_view bytes) {
  std::uint64_t sum = 0;
  for (std::size_t i = kChecksumBytes; i-- > 0;) {
    sum = sum << 8 | static_cast<unsigned char>(bytes[i]);
  }
  return sum;
}

}  // namespace

std::string EncodeHotList(std::span<const std::string> keys, std::size_t most_bytes) {
  std::string bytes(kMagic);
  constexpr std::size_t kMostPrefix = 10;
  for (const std::string& key : keys) {
    if (bytes.size() + key.size() + kMostPrefix + kChecksumBytes > most_bytes) break;
    AppendLengthPrefixed(bytes, key);
  }
  const std::uint64_t sum = XXH3_64bits(bytes.data(), bytes.size());
  for (std::size_t i = 0; i < kChecksumBytes; ++i) {
    bytes.push_back(static_cast<char>(sum >> (8 * i) & 0xff));
  }
  return bytes;
}

Result<std::vector<std::string>> DecodeHotList(std::string_view bytes) {
  const Status damaged(StatusCode::kDataLoss, "the hot list does not verify");
  if (bytes.size() < kMagic.size() + kChecksumBytes || !bytes.starts_with(kMagic)) return damaged;
  std::string_view in = bytes.substr(0, bytes.size() - kChecksumBytes);
  if (XXH3_64bits(in.data(), in.size()) != ReadChecksum(bytes.substr(in.size()))) return damaged;
  in.remove_prefix(kMagic.size());
  std::vector<std::string> keys;
  while (!in.empty()) {
    std::string_view key;
    if (!ReadLengthPrefixed(in, key) || key.empty() || key.size() > kMaxKeyBytes) return damaged;
    keys.emplace_back(key);
  }
  return keys;
}

}  // namespace larder
