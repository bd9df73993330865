// SoakAnswer: what the soak's provider answers, a function of who asked and of the answer's number
// alone, so that every byte that reaches a caller can be checked.
#pragma once

#include <cstdint>
#include <string>
#include <string_view>

namespace larder::testing {

enum class SoakDialect : std::uint8_t { kChat, kMessages };

struct SoakForm {
  SoakDialect dialect = SoakDialect::kChat;
  bool stream = false;
  // Of a stream of chat: with its usage, as asked. All others have theirs.
  bool usage = true;
};

struct SoakAuthor {
  std::uint64_t serial = 0;  // of the answer, over the whole soak
  std::string whose;         // SoakIdentity::Text
  std::string model;
};

// Where the pieces of a stream end, so that it can be sent in pieces.
inline constexpr std::string_view kEndOfEvent = "\n\n";

std::string MakeSoakAnswer(const SoakForm& form, const SoakAuthor& author);

// What is wrong with `body` as what a caller who wants `wanted` gets of the answer of `author`
// that was sent as `sent`; empty if nothing is. `verbatim`: it must be the very bytes.
std::string WrongWithAnswer(const SoakForm& sent, const SoakForm& wanted, const SoakAuthor& author,
                            std::string_view body, bool verbatim);

}  // namespace larder::testing
