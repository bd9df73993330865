#include "byte_pieces.h"

#include <xxhash.h>

#include <algorithm>
#include <array>
#include <new>

#include "little_endian.h"

namespace larder {

void RunningChecksum::Free::operator()(XXH3_state_s* state) const { XXH3_freeState(state); }

RunningChecksum::RunningChecksum() : state_(XXH3_createState()) {
  if (state_ == nullptr) throw std::bad_alloc();
  XXH3_64bits_reset(state_.get());
}

void RunningChecksum::Add(std::string_view bytes) {
  XXH3_64bits_update(state_.get(), bytes.data(), bytes.size());
}

std::uint64_t RunningChecksum::sum() const { return XXH3_64bits_digest(state_.get()); }

ChecksummedWriter::ChecksummedWriter(const ByteSink& sink) : sink_(sink) {
  piece_.reserve(kPieceBytes);
}

void ChecksummedWriter::append(std::string_view bytes) {
  while (!bytes.empty()) {
    const std::size_t fits = std::min(bytes.size(), kPieceBytes - piece_.size());
    piece_.append(bytes.substr(0, fits));
    bytes.remove_prefix(fits);
    if (piece_.size() == kPieceBytes) PassOn();
  }
}

void ChecksummedWriter::PassOn() {
  checksum_.Add(piece_);
  if (status_.ok()) status_ = sink_(piece_);
  piece_.clear();
}

Status ChecksummedWriter::Finish() {
  PassOn();
  std::array<char, RunningChecksum::kBytes> sum{};
  PutFixed(sum.data(), checksum_.sum(), sum.size());
  if (status_.ok()) status_ = sink_({sum.data(), sum.size()});
  return status_;
}

Status VerifyChecksum(const ByteSource& source) {
  const Status damaged(StatusCode::kDataLoss, "the checksum is another");
  if (source.size < RunningChecksum::kBytes) return damaged;
  RunningChecksum checksum;
  std::string piece(kPieceBytes, '\0');
  const std::uint64_t end = source.size - RunningChecksum::kBytes;
  for (std::uint64_t at = 0; at < end; at += piece.size()) {
    piece.resize(std::min<std::uint64_t>(kPieceBytes, end - at));
    if (Status status = source.read(at, piece); !status.ok()) return status;
    checksum.Add(piece);
  }
  std::array<char, RunningChecksum::kBytes> sum{};
  if (Status status = source.read(end, sum); !status.ok()) return status;
  return GetFixed(sum.data(), sum.size()) == checksum.sum() ? Status::Ok() : damaged;
}

}  // namespace larder
