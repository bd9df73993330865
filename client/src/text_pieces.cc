#include "text_pieces.h"

namespace larder::client {

std::size_t PieceSize(std::string_view text) {
  constexpr std::size_t kPieceBytes = 64;
  if (text.size() <= kPieceBytes) return text.size();
  const std::size_t blank = text.substr(0, kPieceBytes + 1).find_last_of(" \n");
  if (blank != std::string_view::npos && blank >= kPieceBytes / 2) return blank;
  std::size_t cut = kPieceBytes;
  while (cut > kPieceBytes - 4 && (static_cast<unsigned char>(text[cut]) & 0xc0) == 0x80) --cut;
  return cut;
}

}  // namespace larder::client
