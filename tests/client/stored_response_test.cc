#include "stored_response.h"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include "larder/options.h"
#include "packing.h"

namespace larder::client {
namespace {

StoredResponse Everything() {
  StoredResponse response;
  response.endpoint = FindEndpoint("anthropic.messages");
  response.form = Form::kEvents;
  response.status = 201;
  response.headers = {{"content-type", "text/event-stream"}, {"x-empty", ""}};
  response.model = "gpt-4o-2024-08-06";
  response.usage = Usage{.input_tokens = 1'000'000,
                         .cached_input_tokens = 3,
                         .cache_write_tokens = 4,
                         .output_tokens = 0};
  response.usage_asked = true;
  response.usage_event = ByteRange{200, 90};
  response.priced = true;
  return response;
}

TEST(StoredResponseTest, EverythingComesBack) {
  const StoredResponse before = Everything();
  const auto after = DecodeStoredResponse(EncodeStoredResponse(before));
  ASSERT_TRUE(after.has_value());
  EXPECT_EQ(after->endpoint, before.endpoint);
  EXPECT_EQ(after->form, before.form);
  EXPECT_EQ(after->status, 201);
  EXPECT_TRUE(std::equal(after->headers.begin(), after->headers.end(), before.headers.begin(),
                         before.headers.end()));
  EXPECT_EQ(after->model, before.model);
  ASSERT_TRUE(after->usage.has_value());
  EXPECT_EQ(*after->usage, *before.usage);
  EXPECT_TRUE(after->usage_asked);
  EXPECT_EQ(after->usage_event, before.usage_event);
  EXPECT_TRUE(after->priced);
}

TEST(StoredResponseTest, AbsentPartsStayAbsent) {
  const auto after = DecodeStoredResponse(EncodeStoredResponse(StoredResponse{}));
  ASSERT_TRUE(after.has_value());
  EXPECT_EQ(after->form, Form::kJson);
  EXPECT_EQ(after->status, 200);
  EXPECT_FALSE(after->usage.has_value());
  EXPECT_FALSE(after->usage_event.has_value());
  EXPECT_FALSE(after->usage_asked);
  EXPECT_FALSE(after->priced);
  EXPECT_EQ(after->headers.size(), 0);
}

StoredResponse Small() {
  StoredResponse response;
  response.endpoint = FindEndpoint("openai.chat");
  response.form = Form::kEvents;
  response.headers = {{"a", "bc"}};
  response.model = "m";
  response.usage = Usage{.input_tokens = 300, .cached_input_tokens = 0, .output_tokens = 2};
  response.usage_event = ByteRange{5, 6};
  return response;
}

// What is written today must be read for ever.
TEST(StoredResponseTest, BytesOfVersionTwoAreFixed) {
  const std::string bytes(
      "\x02\x0bopenai.chat\x01\x05\xc8\x01\x01m\xac\x02\x00\x02\x00\x05\x06\x01"
      "a\x02"
      "bc",
      31);
  EXPECT_EQ(EncodeStoredResponse(Small()), bytes);
}

TEST(StoredResponseTest, BytesOfVersionOneAreReadAsChats) {
  const std::string bytes(
      "\x01\x01\x05\xc8\x01\x01m\xac\x02\x00\x02\x05\x06\x01"
      "a\x02"
      "bc",
      18);
  const auto read = DecodeStoredResponse(bytes);
  ASSERT_TRUE(read.has_value());
  EXPECT_EQ(EncodeStoredResponse(*read), EncodeStoredResponse(Small()));
}

TEST(StoredResponseTest, AnEndpointThatIsNotKnownIsNotRead) {
  std::string bytes = EncodeStoredResponse(Small());
  bytes.replace(bytes.find("chat"), 4, "chut");
  EXPECT_FALSE(DecodeStoredResponse(bytes).has_value());
}

TEST(StoredResponseTest, FieldsThatDoNotFitAreLeftOut) {
  StoredResponse response = Everything();
  response.headers.Add("x-big", std::string(5'000, 'x'));
  response.model = std::string(10'000, 'm');
  const std::string bytes = EncodeStoredResponse(response);
  EXPECT_LE(bytes.size(), kMaxMetadataBytes);
  const auto after = DecodeStoredResponse(bytes);
  ASSERT_TRUE(after.has_value());
  EXPECT_TRUE(after->headers.Has("content-type"));
  EXPECT_FALSE(after->headers.Has("x-big"));
}

TEST(StoredResponseTest, OtherVersionsAreNotRead) {
  std::string bytes = EncodeStoredResponse(Everything());
  for (const char version : {'\x00', '\x03', '\x7f'}) {
    bytes[0] = version;
    EXPECT_FALSE(DecodeStoredResponse(bytes).has_value());
  }
  EXPECT_FALSE(DecodeStoredResponse("").has_value());
}

TEST(StoredResponseTest, DamageNeverReadsPastTheEnd) {
  const std::string bytes = EncodeStoredResponse(Everything());
  for (std::size_t length = 0; length < bytes.size(); ++length) {
    // A heap copy of exact size: the sanitizers see one byte too many.
    const std::vector<char> cut(bytes.begin(), bytes.begin() + static_cast<std::ptrdiff_t>(length));
    static_cast<void>(DecodeStoredResponse({cut.data(), cut.size()}));
  }
  for (std::size_t at = 1; at < bytes.size(); ++at) {
    for (int value = 0; value < 256; ++value) {
      std::vector<char> damaged(bytes.begin(), bytes.end());
      damaged[at] = static_cast<char>(value);
      static_cast<void>(DecodeStoredResponse({damaged.data(), damaged.size()}));
    }
  }
}

TEST(PackingTest, NumbersComeBackAndOverlongOnesFail) {
  for (const std::uint64_t number : {0ULL, 127ULL, 128ULL, 1ULL << 63, ~0ULL}) {
    std::string bytes;
    PackNumber(number, bytes);
    Unpacker in(bytes);
    EXPECT_EQ(in.Number(), number);
    EXPECT_TRUE(in.finished());
  }
  Unpacker overlong(std::string_view("\xff\xff\xff\xff\xff\xff\xff\xff\xff\x02", 10));
  overlong.Number();
  EXPECT_TRUE(overlong.failed());
  EXPECT_EQ(overlong.String(), "");
}

}  // namespace
}  // namespace larder::client
