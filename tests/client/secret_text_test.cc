#include "larder/client/secret_text.h"

#include <fcntl.h>
#include <gmock/gmock.h>
#include <unistd.h>

#include <fstream>
#include <sstream>
#include <type_traits>

namespace larder::client {
namespace {

template <typename T>
concept Printable = requires(std::ostream& out, const T& value) {
  out << value;
};
template <typename T>
concept Comparable = requires(const T& a, const T& b) {
  a == b;
};

static_assert(!Printable<SecretText>);
static_assert(!Comparable<SecretText>);
static_assert(!std::is_copy_constructible_v<SecretText>);
static_assert(!std::is_copy_assignable_v<SecretText>);
static_assert(!std::is_convertible_v<SecretText, std::string_view>);
static_assert(!std::is_convertible_v<SecretText, std::string>);
static_assert(!std::is_convertible_v<std::string, SecretText>);

TEST(SecretTextTest, HoldsItsBytesAndGivesThemWhenAsked) {
  const SecretText secret(std::string_view("hunter\0two", 10));
  EXPECT_EQ(secret.Reveal(), std::string_view("hunter\0two", 10));
  EXPECT_TRUE(SecretText().empty());
  EXPECT_TRUE(SecretText("").empty());
  EXPECT_FALSE(secret.empty());
}

TEST(SecretTextTest, MovesAndIsCopiedByNameOnly) {
  SecretText first("hunter2");
  SecretText second = std::move(first);
  const SecretText copy = second.Copy();
  second = SecretText("other");
  EXPECT_EQ(copy.Reveal(), "hunter2");
  EXPECT_EQ(second.Reveal(), "other");
}

TEST(SecretTextTest, TakingWipesWhatItTookFrom) {
  std::string text = "a secret long enough to live on the heap";
  const char* bytes = text.data();
  const std::size_t size = text.size();
  const SecretText secret = SecretText::Take(text);
  EXPECT_TRUE(text.empty());
  ASSERT_EQ(text.data(), bytes);  // the same buffer, still owned
  EXPECT_EQ(std::string(bytes, size), std::string(size, '\0'));
  EXPECT_EQ(secret.Reveal(), "a secret long enough to live on the heap");
}

TEST(SecretTextTest, MatchesItsBytesAndNothingElse) {
  const SecretText secret("hunter2");
  EXPECT_TRUE(secret.Matches("hunter2"));
  EXPECT_FALSE(secret.Matches("hunter3"));
  EXPECT_FALSE(secret.Matches("hunter"));
  EXPECT_FALSE(secret.Matches(""));
  EXPECT_TRUE(SecretText().Matches(""));
}

// The kernel's own word for the page: "dd" = not in core dumps, "lo" = locked.
TEST(SecretTextTest, ItsPageIsLockedAndLeftOutOfCoreDumps) {
  const SecretText secret("hunter2");
  const auto address = reinterpret_cast<std::uintptr_t>(secret.Reveal().data());
  std::ifstream maps("/proc/self/smaps");
  std::string flags;
  bool inside = false;
  for (std::string line; std::getline(maps, line);) {
    std::uintptr_t from = 0;
    std::uintptr_t to = 0;
    char dash = 0;
    std::istringstream words(line);
    if (words >> std::hex >> from >> dash >> to && dash == '-') {
      inside = from <= address && address < to;
    } else if (inside && line.starts_with("VmFlags:")) {
      flags = line;
    }
  }
  EXPECT_THAT(flags, ::testing::HasSubstr(" dd"));
#if !defined(__SANITIZE_ADDRESS__) && !defined(__SANITIZE_THREAD__)  // whose mlock() does nothing
  EXPECT_THAT(flags, ::testing::HasSubstr(" lo"));
#endif
}

// A page that was given back cannot be read; write() of it to a pipe fails instead of crashing us.
TEST(SecretTextTest, NothingIsLeftWhereItWas) {
  const char* bytes = nullptr;
  {
    const SecretText secret("hunter2");
    bytes = secret.Reveal().data();
  }
  int ends[2];
  ASSERT_EQ(::pipe(ends), 0);
  const bool gone = ::write(ends[1], bytes, 7) < 0;
  char left[7] = {};
  EXPECT_TRUE(gone || ::read(ends[0], left, sizeof(left)) == 7);
  EXPECT_NE(std::string_view(left, 7), "hunter2");
  ::close(ends[0]);
  ::close(ends[1]);
}

}  // namespace
}  // namespace larder::client
