// What token endpoints, programs and files of service accounts say. The first byte is the status.
#include <chrono>
#include <cstdint>
#include <string_view>

#include "auth/jwt.h"
#include "auth/token.h"
#include "fuzz_check.h"

namespace {

using namespace larder::client;

// What is accepted can stand in a header field, and has a life that can be reckoned with.
void Check(const larder::Result<Token>& token) {
  constexpr std::size_t kLongestMessage = 120;  // of ours alone: nothing is quoted
  if (!token.ok()) {
    FUZZ_CHECK(token.status().message().size() < kLongestMessage);
    return;
  }
  FUZZ_CHECK(!token->text.empty() && IsTokenText(token->text.Reveal()));
  FUZZ_CHECK(token->lifetime >= larder::Duration(0));
  const bool endless = token->lifetime == larder::kForever;
  FUZZ_CHECK(endless || token->lifetime <= std::chrono::hours(24 * 365 * 10));
}

}  // namespace

extern "C" int LLVMFuzzerTestOneInput(const std::uint8_t* data, std::size_t size) {
  if (size == 0) return 0;
  const std::string_view text(reinterpret_cast<const char*>(data) + 1, size - 1);
  const larder::TimePoint now{std::chrono::seconds(1'800'000'000)};
  Check(ParseTokenAnswer(data[0] % 2 == 0 ? 200 : 400 + data[0], text));
  Check(ParsePrintedToken(text, now));
  const auto account = ParseServiceAccount(text);
  if (account.ok()) static_cast<void>(MakeAssertion(*account, "scope", now));
  return 0;
}
