// RandomJson: values of any shape, made of the names and values that trip a converter.
#pragma once

#include <cstdint>
#include <nlohmann/json.hpp>
#include <random>
#include <string>

namespace larder::testing {

class RandomJson {
 public:
  explicit RandomJson(unsigned seed) : random_(seed) {}

  std::uint64_t Next64() { return random_(); }
  bool OneIn(unsigned n) { return random_() % n == 0; }

  nlohmann::json Value(int depth) {
    using nlohmann::json;
    switch (random_() % (depth > 0 ? 9 : 6)) {
      case 0: return nullptr;
      case 1: return "";
      case 2: return Text();
      case 3: return OneIn(2) ? json(random_()) : json(-static_cast<std::int64_t>(random_() % 9));
      case 4: return static_cast<double>(random_()) / 7;
      case 5: return OneIn(2);
      case 6: return OneIn(2) ? json::array() : json::object();
      case 7: {
        json array = json::array();
        for (std::size_t i = 0, n = random_() % 3; i < n; ++i) array.push_back(Value(depth - 1));
        return array;
      }
      default: {
        json object = json::object();
        for (const char* name : {"index", "type", "id", "text", "name", "format"}) {
          if (OneIn(3)) object[name] = Value(depth - 1);
        }
        return object;
      }
    }
  }

  // Mostly what is right, now and then anything.
  nlohmann::json Mostly(nlohmann::json right) { return OneIn(8) ? Value(2) : std::move(right); }

  std::string Text() {
    constexpr const char* kWords[] = {" a", " word", "é",  "漢字",    "😀",
                                      "\n", "\"",    "\\", " longer", "/~"};
    std::string text;
    for (std::size_t i = 0, n = random_() % 60; i < n; ++i) text += kWords[random_() % 10];
    return text;
  }

 private:
  std::mt19937_64 random_;
};

}  // namespace larder::testing
