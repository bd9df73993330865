#include "json_text.h"

#include <gtest/gtest.h>

#include <bit>
#include <charconv>
#include <cmath>
#include <cstdint>
#include <cstdlib>
#include <iterator>
#include <random>
#include <string>

namespace larder::client {
namespace {

std::string Ecma(double value) {
  std::string text;
  AppendEcmaNumber(value, text);
  return text;
}

// RFC 8785, appendix B.
TEST(EcmaNumberTest, WritesThePublishedValues) {
  const std::pair<std::uint64_t, const char*> kSamples[] = {
      {0x0000000000000000, "0"},
      {0x8000000000000000, "0"},
      {0x0000000000000001, "5e-324"},
      {0x8000000000000001, "-5e-324"},
      {0x7fefffffffffffff, "1.7976931348623157e+308"},
      {0xffefffffffffffff, "-1.7976931348623157e+308"},
      {0x4340000000000000, "9007199254740992"},
      {0xc340000000000000, "-9007199254740992"},
      {0x4430000000000000, "295147905179352830000"},
      {0x44b52d02c7e14af5, "9.999999999999997e+22"},
      {0x44b52d02c7e14af6, "1e+23"},
      {0x44b52d02c7e14af7, "1.0000000000000001e+23"},
      {0x444b1ae4d6e2ef4e, "999999999999999700000"},
      {0x444b1ae4d6e2ef4f, "999999999999999900000"},
      {0x444b1ae4d6e2ef50, "1e+21"},
      {0x3eb0c6f7a0b5ed8c, "9.999999999999997e-7"},
      {0x3eb0c6f7a0b5ed8d, "0.000001"},
      {0x41b3de4355555553, "333333333.3333332"},
      {0x41b3de4355555554, "333333333.33333325"},
      {0x41b3de4355555555, "333333333.3333333"},
      {0x41b3de4355555556, "333333333.3333334"},
      {0x41b3de4355555557, "333333333.33333343"},
      {0xbecbf647612f3696, "-0.0000033333333333333333"},
      {0x43143ff3c1cb0959, "1424953923781206.2"},
  };
  for (const auto& [bits, text] : kSamples) EXPECT_EQ(Ecma(std::bit_cast<double>(bits)), text);
}

TEST(EcmaNumberTest, ReadsBackAsTheSameDouble) {
  std::mt19937_64 random(8785);
  for (int i = 0; i < 20'000; ++i) {
    const double value = std::bit_cast<double>(random());
    if (!std::isfinite(value)) continue;
    const std::string text = Ecma(value);
    double read = 0;
    std::from_chars(text.data(), text.data() + text.size(), read);
    ASSERT_EQ(read, value) << text;
  }
}

std::string Canonical(std::string_view text) {
  std::size_t position = 0;
  std::string out;
  if (const char* wrong = ScanJsonNumber(text, position, out)) return wrong;
  EXPECT_NE(out, text) << "what is canonical as it stands there is not written anew";
  if (out.empty()) out = text.substr(0, position);
  return position == text.size() ? out : out + " + rest";
}

TEST(JsonNumberTest, IsWrittenCanonically) {
  EXPECT_EQ(Canonical("-0"), "0");
  EXPECT_EQ(Canonical("-0.0"), "0");
  EXPECT_EQ(Canonical("1.0"), "1");
  EXPECT_EQ(Canonical("1E2"), "100");
  EXPECT_EQ(Canonical("0.70"), "0.7");
  EXPECT_EQ(Canonical("-17"), "-17");
  EXPECT_EQ(Canonical("9007199254740991"), "9007199254740991");
  EXPECT_EQ(Canonical("-9007199254740991"), "-9007199254740991");
  EXPECT_EQ(Canonical("9007199254740993.0"), "9007199254740992");  // not an integer literal
  EXPECT_EQ(Canonical("1e20"), "100000000000000000000");
}

TEST(JsonNumberTest, DecimalsAreWrittenAsTheirDoublesAre) {
  std::mt19937_64 random(1992);
  for (int i = 0; i < 50'000; ++i) {
    std::string text(random() % 2, '-');
    text += random() % 2 == 0 ? "0" : std::to_string(1 + random() % 100'000'000);
    text += '.' + std::string(random() % 8, '0') + std::to_string(random() % 1'000'000'000);
    ASSERT_EQ(Canonical(text), Ecma(std::strtod(text.c_str(), nullptr))) << text;
  }
}

TEST(JsonNumberTest, BeyondIJsonOrJsonIsRefused) {
  EXPECT_EQ(Canonical("9007199254740992"), "integer beyond 2^53 - 1");
  EXPECT_EQ(Canonical("-9007199254740992"), "integer beyond 2^53 - 1");
  EXPECT_EQ(Canonical("100000000000000000000"), "integer beyond 2^53 - 1");
  EXPECT_EQ(Canonical("1e309"), "number beyond a double");
  EXPECT_EQ(Canonical("-1e309"), "number beyond a double");
  EXPECT_EQ(Canonical("01"), "number with a leading zero");
  EXPECT_EQ(Canonical("-01"), "number with a leading zero");
  EXPECT_EQ(Canonical("1."), "number without digits after its point");
  EXPECT_EQ(Canonical("1.e5"), "number without digits after its point");
  EXPECT_EQ(Canonical("1e+"), "number without digits in its exponent");
  for (const char* text : {"", "-", ".5", "+1", "NaN", "Infinity", "-Infinity"}) {
    EXPECT_EQ(Canonical(text), "not a value") << text;
  }
  EXPECT_EQ(Canonical("0x10"), "0 + rest");
}

struct Scanned {
  std::string wrong;
  JsonString string;
};
Scanned Scan(std::string_view text) {
  Scanned scanned;
  std::size_t position = 0;
  if (const char* wrong = ScanJsonString(text, position, scanned.string)) scanned.wrong = wrong;
  return scanned;
}

TEST(JsonStringTest, KnowsWhatIsCanonicalAlready) {
  EXPECT_TRUE(Scan(R"("plain text of more than eight bytes")").string.canonical);
  EXPECT_TRUE(Scan(R"("\n\"\\\b\f\r\t\u0001\u001f")").string.canonical);
  EXPECT_FALSE(Scan(R"("\/")").string.canonical);
  EXPECT_FALSE(Scan(R"("\u001F")").string.canonical);
  EXPECT_FALSE(Scan(R"("\u000a")").string.canonical);
  EXPECT_FALSE(Scan(R"("\u0041")").string.canonical);
  EXPECT_FALSE(Scan(R"("\ud83d\ude00")").string.canonical);
}

TEST(JsonStringTest, RefusesWhatIsNotText) {
  EXPECT_EQ(Scan("\"\\ud800\"").wrong, "lone surrogate");
  EXPECT_EQ(Scan("\"\\udc00\"").wrong, "lone surrogate");
  EXPECT_EQ(Scan("\"\\ud800\\u0041\"").wrong, "lone surrogate");
  EXPECT_EQ(Scan("\"\\ud800\\ud800\"").wrong, "lone surrogate");
  EXPECT_EQ(Scan("\"12345678\n\"").wrong, "control character in a string");
  EXPECT_EQ(Scan("\"\\x\"").wrong, "bad escape");
  EXPECT_EQ(Scan("\"\\u12g4\"").wrong, "bad escape");
  EXPECT_EQ(Scan("\"never closed").wrong, "string without end");
  EXPECT_EQ(Scan("\"cut \\").wrong, "bad escape");
  for (const char* bytes :
       {"\x80", "\xc0\xaf", "\xc1\x81", "\xe0\x80\xaf", "\xed\xa0\x80", "\xf0\x80\x80\xaf",
        "\xf4\x90\x80\x80", "\xf5\x80\x80\x80", "\xff", "\xc3", "\xe2\x82", "\xf0\x9f\x98"}) {
    EXPECT_EQ(Scan("\"" + std::string(bytes) + "\"").wrong, "bad UTF-8") << bytes;
  }
  for (const char* bytes : {"\xc2\x80", "\xe0\xa0\x80", "\xed\x9f\xbf", "\xee\x80\x80",
                            "\xf0\x90\x80\x80", "\xf4\x8f\xbf\xbf"}) {
    EXPECT_EQ(Scan("\"" + std::string(bytes) + "\"").wrong, "") << bytes;
  }
}

TEST(JsonStringTest, EscapesDecodeAndEncode) {
  EXPECT_EQ(DecodeJsonString(R"(a\n\"\\\/\u20ac\ud83d\ude00\u0000z)"),
            std::string("a\n\"\\/€😀\0z", 14));
  std::string out;
  AppendJsonString(std::string_view("\x01\x1f\b\"\\/\x7f€", 10), out);
  EXPECT_EQ(out, "\"\\u0001\\u001f\\b\\\"\\\\/\x7f€\"");
}

}  // namespace
}  // namespace larder::client
