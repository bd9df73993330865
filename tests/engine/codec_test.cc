#include "codec.h"

#include <gtest/gtest.h>

#include <random>
#include <string>
#include <thread>
#include <vector>

#include "temp_dir.h"

namespace larder {
namespace {

std::string Text(std::size_t bytes) {
  std::string text;
  for (std::uint64_t i = 0; text.size() < bytes; ++i) {
    text += "The answer to question " + std::to_string(i) + " is " + std::to_string(i * i) + ". ";
  }
  text.resize(bytes);
  return text;
}

std::string Noise(std::size_t bytes) {
  std::mt19937_64 random(1);
  std::string noise(bytes, '\0');
  for (char& byte : noise) byte = static_cast<char>(random());
  return noise;
}

// A shelf that holds nothing.
const DictionaryShelf& Empty() {
  static const DictionaryShelf shelf("/nowhere", 3, nullptr);
  return shelf;
}

RecordView ViewOf(std::string_view body, const Payload& payload) {
  RecordView view;
  view.codec = payload.codec;
  view.dictionary = payload.dictionary;
  view.raw_bytes = body.size();
  view.payload = payload.bytes;
  return view;
}

TEST(CodecTest, BodiesOfAllSizesComeBack) {
  Codec codec(3, Empty(), true);
  for (const std::size_t size : {0, 1, 63, 64, 65, 1000, 65'536, 3'000'000}) {
    const std::string body = Text(size);
    std::string scratch;
    const Payload payload = codec.Compress(body, scratch);
    std::string out(size, '\0');
    ASSERT_TRUE(codec.Decompress(ViewOf(body, payload), out.data())) << size;
    EXPECT_EQ(out, body) << size;
  }
}

TEST(CodecTest, TextShrinksAndNoiseIsKeptAsItIs) {
  Codec codec(3, Empty(), true);
  const std::string text = Text(2000);
  const std::string noise = Noise(2000);
  std::string scratch;
  const Payload small = codec.Compress(text, scratch);
  EXPECT_EQ(small.codec, RecordCodec::kZstd);
  EXPECT_LT(small.bytes.size(), text.size() / 2);
  const Payload same = codec.Compress(noise, scratch);
  EXPECT_EQ(same.codec, RecordCodec::kRaw);
  EXPECT_EQ(same.bytes.data(), noise.data());
}

TEST(CodecTest, LevelZeroKeepsEverythingAsItIs) {
  Codec codec(0, Empty(), true);
  const std::string text = Text(2000);
  std::string scratch;
  EXPECT_EQ(codec.Compress(text, scratch).codec, RecordCodec::kRaw);
}

TEST(CodecTest, PayloadOfAnotherSizeIsRefused) {
  Codec codec(3, Empty(), true);
  const std::string body = Text(1000);
  std::string scratch;
  const Payload payload = codec.Compress(body, scratch);
  std::string out(2000, '\0');
  RecordView view = ViewOf(body, payload);
  view.raw_bytes = 999;
  EXPECT_FALSE(codec.Decompress(view, out.data()));
  view.raw_bytes = 1001;
  EXPECT_FALSE(codec.Decompress(view, out.data()));
  view.raw_bytes = 1000;
  view.dictionary = 5;  // not known to this build
  EXPECT_FALSE(codec.Decompress(view, out.data()));
}

TEST(CodecTest, TheNewestDictionaryIsUsedAndOlderOnesCanStillBeRead) {
  const testing::TempDir directory;
  DictionaryShelf shelf(directory / "dict", 3, nullptr);
  Codec codec(3, shelf, true);
  const std::string body = Text(1000);
  std::string first;
  std::string second;
  std::string plain;
  const Payload without = codec.Compress(body, plain);
  EXPECT_EQ(without.dictionary, 0u);
  ASSERT_TRUE(shelf.Adopt(Text(5000)).ok());
  const Payload older = codec.Compress(body, first);
  ASSERT_TRUE(shelf.Adopt(Text(6000)).ok());
  const Payload newer = codec.Compress(body, second);
  EXPECT_NE(older.dictionary, 0u);
  EXPECT_NE(newer.dictionary, older.dictionary);
  EXPECT_LT(newer.bytes.size(), without.bytes.size() / 2);
  for (const Payload& payload : {without, older, newer}) {
    std::string out(body.size(), '\0');
    ASSERT_TRUE(codec.Decompress(ViewOf(body, payload), out.data()));
    EXPECT_EQ(out, body);
  }
  std::string scratch;
  EXPECT_EQ(Codec(3, shelf, false).Compress(body, scratch).dictionary, 0u);
}

TEST(CodecTest, DamagedPayloadNeverWritesOutsideItsBuffer) {
  Codec codec(3, Empty(), true);
  const std::string body = Text(4000);
  std::string scratch;
  const Payload payload = codec.Compress(body, scratch);
  std::mt19937_64 random(2);
  for (int round = 0; round < 2000; ++round) {
    std::string damaged(payload.bytes);
    damaged[random() % damaged.size()] = static_cast<char>(random());
    std::vector<char> out(body.size());  // exact, so that a sanitizer sees an overrun
    static_cast<void>(codec.Decompress(ViewOf(body, {payload.codec, 0, damaged}), out.data()));
  }
}

TEST(CodecTest, ThreadsShareThePool) {
  Codec codec(3, Empty(), true);
  std::vector<std::thread> threads;
  for (int t = 0; t < 8; ++t) {
    threads.emplace_back([&codec, t] {
      const std::string body = Text(1000 + static_cast<std::size_t>(t));
      for (int i = 0; i < 300; ++i) {
        std::string scratch;
        const Payload payload = codec.Compress(body, scratch);
        std::string out(body.size(), '\0');
        ASSERT_TRUE(codec.Decompress(ViewOf(body, payload), out.data()));
        ASSERT_EQ(out, body);
      }
    });
  }
  for (std::thread& thread : threads) thread.join();
}

}  // namespace
}  // namespace larder
