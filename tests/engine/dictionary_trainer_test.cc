#include "dictionary_trainer.h"

#include <gtest/gtest.h>

#include <random>
#include <string>
#include <thread>
#include <vector>

#include "prose.h"

namespace larder {
namespace {

using testing::Prose;

std::string Noise(std::uint64_t seed, std::size_t bytes) {
  std::mt19937_64 random(seed);
  std::string noise(bytes, '\0');
  for (char& byte : noise) byte = static_cast<char>(random());
  return noise;
}

TEST(DictionaryTrainerTest, ItIsDueAfterAThousandBodiesThenAfterAsManyAgain) {
  DictionaryTrainer trainer(3);
  for (std::uint64_t i = 0; i < 999; ++i) trainer.Note(Prose(i, 300));
  EXPECT_FALSE(trainer.Due());
  trainer.Note(Prose(999, 300));
  EXPECT_TRUE(trainer.Due());
  static_cast<void>(trainer.Train(nullptr));
  EXPECT_FALSE(trainer.Due());
  for (std::uint64_t i = 1000; i < 1999; ++i) trainer.Note(Prose(i, 300));
  EXPECT_FALSE(trainer.Due());
  trainer.Note(Prose(1999, 300));
  EXPECT_TRUE(trainer.Due());
}

TEST(DictionaryTrainerTest, ADictionaryThatPaysIsAdopted) {
  DictionaryTrainer trainer(3);
  for (std::uint64_t i = 0; i < 1000; ++i) trainer.Note(Prose(i, 600));
  const DictionaryTrainer::Outcome outcome = trainer.Train(nullptr);
  ASSERT_TRUE(outcome.adopted.has_value());
  EXPECT_EQ(outcome.raw_bytes, 250u * 600);
  EXPECT_LT(outcome.trained_bytes * 2, outcome.current_bytes * 2 - outcome.current_bytes / 2);
  EXPECT_LE(outcome.adopted->size(), 110u << 10);
}

TEST(DictionaryTrainerTest, OneNoBetterThanTheCurrentIsNotAdopted) {
  DictionaryTrainer trainer(3);
  for (std::uint64_t i = 0; i < 1000; ++i) trainer.Note(Prose(i, 600));
  const Dictionary current(*trainer.Train(nullptr).adopted, 1, 3);
  for (std::uint64_t i = 1000; i < 2000; ++i) trainer.Note(Prose(i, 600));
  EXPECT_FALSE(trainer.Train(&current).adopted.has_value());
}

TEST(DictionaryTrainerTest, WhenWhatIsStoredChangesANewOneIsAdopted) {
  DictionaryTrainer trainer(3);
  for (std::uint64_t i = 0; i < 1000; ++i) trainer.Note(Prose(i, 600));
  const Dictionary current(*trainer.Train(nullptr).adopted, 1, 3);
  const auto changed = [](std::uint64_t i) {
    std::string text = Prose(i, 600);
    for (char& c : text) c = static_cast<char>(c >= 'a' && c <= 'z' ? 'a' + 'z' - c : c);
    return text;
  };
  for (std::uint64_t i = 0; i < 8000; ++i) trainer.Note(changed(i));
  EXPECT_TRUE(trainer.Train(&current).adopted.has_value());
}

TEST(DictionaryTrainerTest, NoiseAndTooLittleMakeNoDictionary) {
  DictionaryTrainer noise(3);
  for (std::uint64_t i = 0; i < 1000; ++i) noise.Note(Noise(i, 300));
  EXPECT_FALSE(noise.Train(nullptr).adopted.has_value());
  DictionaryTrainer little(3);
  for (std::uint64_t i = 0; i < 50; ++i) little.Note(Prose(i, 600));
  EXPECT_FALSE(little.Train(nullptr).adopted.has_value());
  DictionaryTrainer nothing(3);
  EXPECT_FALSE(nothing.Train(nullptr).adopted.has_value());
}

TEST(DictionaryTrainerTest, LargeBodiesAreCutAndStayWithinTheirMemory) {
  DictionaryTrainer trainer(3);
  for (std::uint64_t i = 0; i < 2000; ++i) trainer.Note(Prose(i, 100'000));
  const DictionaryTrainer::Outcome outcome = trainer.Train(nullptr);
  EXPECT_LE(outcome.raw_bytes, std::uint64_t{1} << 20);  // a quarter of the samples
  EXPECT_GE(outcome.raw_bytes, std::uint64_t{900} << 10);
}

TEST(DictionaryTrainerTest, ThreadsNoteWhileAnotherTrains) {
  DictionaryTrainer trainer(3);
  std::vector<std::thread> threads;
  for (std::uint64_t t = 0; t < 4; ++t) {
    threads.emplace_back([&trainer, t] {
      for (std::uint64_t i = 0; i < 1000; ++i) trainer.Note(Prose(4 * i + t, 300));
    });
  }
  for (int round = 0; round < 3; ++round) static_cast<void>(trainer.Train(nullptr));
  for (std::thread& thread : threads) thread.join();
  EXPECT_TRUE(trainer.Train(nullptr).adopted.has_value());
}

}  // namespace
}  // namespace larder
