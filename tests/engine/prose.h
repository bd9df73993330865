// Prose for tests of compression: sentences that share words and phrases, none like another.
#pragma once

#include <cstdint>
#include <random>
#include <string>

namespace larder::testing {

inline std::string Prose(std::uint64_t seed, std::size_t bytes) {
  static constexpr const char* kPhrases[] = {"the model answers the question ",
                                             "in the first place, ",
                                             "as an example, consider ",
                                             "a function that returns ",
                                             "it is important to note that ",
                                             "the following steps: ",
                                             "on the other hand, ",
                                             "this means that ",
                                             "we can conclude that ",
                                             "the value of the variable ",
                                             "depends on the context ",
                                             "in most cases "};
  std::mt19937_64 random(seed);
  std::string text;
  while (text.size() < bytes) {
    text += kPhrases[random() % std::size(kPhrases)];
    text += std::to_string(random() % 100'000) + ' ';
  }
  text.resize(bytes);
  return text;
}

}  // namespace larder::testing
