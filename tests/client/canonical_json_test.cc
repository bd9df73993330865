#include "canonical_json.h"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <algorithm>
#include <cstdio>
#include <nlohmann/json.hpp>
#include <random>

#include "recorded.h"

namespace larder::client {
namespace {

using ::testing::ElementsAre;
using ::testing::HasSubstr;
using ::testing::Not;

std::string Canonical(std::string_view text) {
  const Result<std::string> canonical = CanonicalizeValue(text);
  return canonical.ok() ? *canonical : "refused: " + canonical.status().message();
}

// RFC 8785, sections 3.2.2 and 3.2.4.
TEST(CanonicalJsonTest, WritesThePublishedSample) {
  EXPECT_EQ(Canonical(R"({
    "numbers": [333333333.33333329, 1E30, 4.50, 2e-3, 0.000000000000000000000000001],
    "string": "\u20ac$\u000F\u000aA'\u0042\u0022\u005c\\\"\/",
    "literals": [null, true, false]
  })"),
            R"({"literals":[null,true,false],"numbers":[333333333.3333333,1e+30,4.5,0.002,1e-27],)"
            R"("string":"€$\u000f\nA'B\"\\\\\"/"})");
}

// RFC 8785, section 3.2.3.
TEST(CanonicalJsonTest, SortsNamesByUtf16CodeUnits) {
  EXPECT_EQ(Canonical(R"({"\u20ac":"Euro Sign","\r":"Carriage Return",)"
                      R"("\ufb33":"Hebrew Letter Dalet With Dagesh","1":"One",)"
                      R"("\ud83d\ude00":"Emoji: Grinning Face","\u0080":"Control",)"
                      R"("\u00f6":"Latin Small Letter O With Diaeresis"})"),
            "{\"\\r\":\"Carriage Return\",\"1\":\"One\",\"\xc2\x80\":\"Control\","
            "\"ö\":\"Latin Small Letter O With Diaeresis\",\"€\":\"Euro Sign\","
            "\"😀\":\"Emoji: Grinning Face\",\"\xef\xac\xb3\":\"Hebrew Letter Dalet With Dagesh\"}");
}

TEST(CanonicalJsonTest, SortsAtEveryDepthAndKeepsTheOrderOfArrays) {
  EXPECT_EQ(
      Canonical(R"( { "b" : [ { "d":1, "c":[2,1,{"z":0,"y":{}}] }, [] ] , "a":{"b":0,"a":""}} )"),
      R"({"a":{"a":"","b":0},"b":[{"c":[2,1,{"y":{},"z":0}],"d":1},[]]})");
}

TEST(CanonicalJsonTest, RefusesWhatIsNotIJson) {
  EXPECT_EQ(Canonical(R"({"a":1,"b":2,"\u0061":3})"),
            "refused: duplicate name in the object ending at byte 23");
  EXPECT_EQ(Canonical("[9007199254740992]"), "refused: integer beyond 2^53 - 1 at byte 17");
  EXPECT_EQ(Canonical("[1e999]"), "refused: number beyond a double at byte 6");
  EXPECT_EQ(Canonical("[\"\xff\"]"), "refused: bad UTF-8 at byte 2");
  EXPECT_EQ(Canonical(R"(["\udead"])"), "refused: lone surrogate at byte 2");
  EXPECT_EQ(Canonical("{} {}"), "refused: something after the value at byte 3");
  EXPECT_EQ(Canonical(R"({"a":1)"), "refused: cut short at byte 6");
  for (const char* text :
       {"", " ", "{", "}", "[1,]", "[,1]", "{\"a\"}", "{\"a\":}", "{\"a\":1,}", "{a:1}", "[1 2]",
        "tru", "nul", "'a'", "[1]]", "{\"a\":1]", "\xef\xbb\xbf{}", "// c\n{}", "[\"a\tb\"]"}) {
    EXPECT_THAT(Canonical(text), HasSubstr("refused")) << text;
  }
  EXPECT_THAT(Canonical(std::string_view("{}\0", 3)), HasSubstr("refused"));
}

TEST(CanonicalJsonTest, NestsUpTo256) {
  const auto objects = [](int depth) {
    std::string text;
    for (int i = 1; i < depth; ++i) text += "{\"a\":";
    return text + "{}" + std::string(static_cast<std::size_t>(depth - 1), '}');
  };
  EXPECT_EQ(Canonical(std::string(256, '[') + std::string(256, ']')).size(), 512u);
  EXPECT_EQ(Canonical(objects(256)), objects(256));
  EXPECT_THAT(Canonical(std::string(257, '[') + std::string(257, ']')),
              HasSubstr("nesting over 256"));
  EXPECT_THAT(Canonical(objects(257)), HasSubstr("nesting over 256"));
  EXPECT_THAT(Canonical(std::string(1'000'000, '[')), HasSubstr("nesting over 256"));
}

TEST(CanonicalJsonTest, ReadsAsManyValuesAsAreAllowedAndNoMore) {
  std::string most = "[0";
  for (std::size_t i = 2; i < kMaxJsonValues; ++i) most += ",0";  // the array is one too
  EXPECT_EQ(Canonical(most + "]").size(), most.size() + 1);
  const Result<std::string> over = CanonicalizeValue(most + ",0]");
  EXPECT_EQ(over.status().code(), StatusCode::kResourceExhausted);
  EXPECT_THAT(over.status().message(), HasSubstr("more than 524288 values at byte 1048575"));
}

TEST(CanonicalJsonTest, AnErrorNeverShowsTheBody) {
  const auto refused = CanonicalizeObject(R"({"secret prompt":1,"secret prompt":2})");
  ASSERT_FALSE(refused.ok());
  EXPECT_THAT(refused.status().message(), Not(HasSubstr("secret")));
}

TEST(CanonicalObjectTest, LeavesOutTopLevelMembersOnly) {
  constexpr std::string_view kLeaveOut[] = {"user", "stream"};
  const auto object = CanonicalizeObject(
      R"({"stream":true,"model":"m","user":"u","inner":{"user":"kept"}})", kLeaveOut);
  ASSERT_TRUE(object.ok());
  EXPECT_EQ(object->text, R"({"inner":{"user":"kept"},"model":"m"})");
  EXPECT_THAT(object->left_out, ElementsAre("stream", "user"));
  EXPECT_EQ(object->Find("stream"), "true");
  EXPECT_EQ(object->Find("user"), "\"u\"");
  EXPECT_EQ(object->Find("model"), "\"m\"");
  EXPECT_EQ(object->Find("inner"), R"({"user":"kept"})");
  EXPECT_EQ(object->Find("absent"), std::nullopt);
}

TEST(CanonicalObjectTest, OnlyObjectsAreBodies) {
  for (const char* text : {"[]", "1", "\"a\"", "null", "true"}) {
    EXPECT_FALSE(CanonicalizeObject(text).ok()) << text;
  }
  EXPECT_EQ(CanonicalizeObject(" {} ")->text, "{}");
}

// Writes `value` with its members in any order, blanks anywhere and characters escaped at random.
class Disguise {
 public:
  explicit Disguise(unsigned seed) : random_(seed) {}

  std::string Write(const nlohmann::json& value) {
    if (value.is_string()) return WriteString(value);
    if (!value.is_structured()) return value.dump();
    std::vector<std::string> parts;
    for (const auto& [name, member] : value.items()) {
      std::string part = value.is_object() ? WriteString(name) + Blanks() + ":" + Blanks() : "";
      parts.push_back(part + Write(member));
    }
    if (value.is_object()) std::shuffle(parts.begin(), parts.end(), random_);
    std::string text(1, value.is_object() ? '{' : '[');
    for (std::size_t i = 0; i < parts.size(); ++i) {
      text += Blanks() + parts[i] + Blanks();
      if (i + 1 < parts.size()) text += ',';
    }
    return text + Blanks() + (value.is_object() ? '}' : ']');
  }

 private:
  std::string Blanks() {
    constexpr std::string_view kBlanks = " \n\t\r";
    std::string blanks;
    while (random_() % 3 == 0) blanks += kBlanks[random_() % 4];
    return blanks;
  }
  std::string WriteString(const std::string& text) {
    std::string escaped = nlohmann::json(text).dump(-1, ' ', random_() % 2 == 0);
    std::string out;
    for (std::size_t i = 0; i < escaped.size(); ++i) {
      const char c = escaped[i];
      if (c == '\\') {
        const std::size_t length = escaped[i + 1] == 'u' ? 6 : 2;
        out += escaped.substr(i, length);
        i += length - 1;
      } else if (c >= 'a' && c <= 'z' && random_() % 5 == 0) {
        char unit[8];
        std::snprintf(unit, sizeof unit, "\\u%04X", static_cast<unsigned>(c));
        out += unit;
      } else {
        out += c;
      }
    }
    return out;
  }
  std::mt19937 random_;
};

TEST(CanonicalJsonTest, BodiesThatSayTheSameHaveTheSameForm) {
  Disguise disguise(53);
  for (const auto& exchange : testing::LoadRecorded("chat_completions.json")) {
    if (exchange.index % 4 != 0) continue;
    const std::string canonical = Canonical(exchange.request_body);
    const nlohmann::json value = nlohmann::json::parse(exchange.request_body);
    ASSERT_EQ(nlohmann::json::parse(canonical), value) << exchange.index;
    ASSERT_EQ(Canonical(canonical), canonical) << exchange.index;
    ASSERT_EQ(Canonical(disguise.Write(value)), canonical) << exchange.index;
  }
}

TEST(CanonicalJsonTest, AcceptsNothingThatAnotherParserRefuses) {
  std::mt19937 random(7493);
  int accepted = 0;
  for (const auto& exchange : testing::LoadRecorded("chat_completions.json")) {
    std::string body = exchange.request_body.substr(0, 400 + random() % 400);
    for (int i = 0; i < 20; ++i) {
      std::string mutated = exchange.request_body.size() < 3000 ? exchange.request_body : body;
      mutated[random() % mutated.size()] = static_cast<char>(random());
      const auto canonical = CanonicalizeValue(mutated);
      if (!canonical.ok()) continue;
      ++accepted;
      const nlohmann::json value = nlohmann::json::parse(mutated, nullptr, false);
      ASSERT_FALSE(value.is_discarded()) << mutated;
      ASSERT_EQ(nlohmann::json::parse(*canonical), value) << mutated;
    }
  }
  EXPECT_GT(accepted, 1000);
}

}  // namespace
}  // namespace larder::client
