#include "answers.h"

#include <xxhash.h>

#include <algorithm>
#include <cstdio>
#include <filesystem>
#include <fstream>
#include <nlohmann/json.hpp>

namespace larder::bench {
namespace {

using nlohmann::json;

// Every answer in a line's "choices" or "messages", whichever form it has.
void TakeAnswers(const json& value, std::vector<std::string>& out) {
  if (value.is_string()) {
    out.push_back(value.get<std::string>());
  } else if (value.is_array()) {
    for (const json& item : value) TakeAnswers(item, out);
  } else if (value.is_object()) {
    if (value.value("role", "assistant") != "assistant") return;
    for (const char* name : {"choices", "turns", "messages", "content", "answer"}) {
      if (value.contains(name)) return TakeAnswers(value[name], out);
    }
  }
}

}  // namespace

std::vector<std::string> ReadAnswers(const std::string& directory) {
  std::vector<std::string> paths;
  for (const auto& file : std::filesystem::directory_iterator(directory)) {
    const std::string path = file.path().string();
    if (path.ends_with(".jsonl") && !path.ends_with("question.jsonl")) paths.push_back(path);
  }
  std::sort(paths.begin(), paths.end());
  std::vector<std::string> answers;
  for (const std::string& path : paths) {
    std::ifstream file(path);
    for (std::string line; std::getline(file, line);) TakeAnswers(json::parse(line), answers);
  }
  return answers;
}

std::string ChatCompletion(const std::string& answer, std::uint64_t which) {
  char id[32];
  const std::uint64_t hash = XXH3_64bits_withSeed(answer.data(), answer.size(), which);
  std::snprintf(id, sizeof(id), "%016llx%08llx", static_cast<unsigned long long>(hash),
                static_cast<unsigned long long>(XXH3_64bits(&hash, 8) & 0xffffffff));
  const std::uint64_t tokens = answer.size() / 4 + 1;
  return json{{"id", std::string("chatcmpl-") + id},
              {"object", "chat.completion"},
              {"created", 1'700'000'000 + hash % 10'000'000},
              {"model", "gpt-4o-2024-08-06"},
              {"choices",
               {{{"index", 0},
                 {"message", {{"role", "assistant"}, {"content", answer}, {"refusal", nullptr}}},
                 {"logprobs", nullptr},
                 {"finish_reason", "stop"}}}},
              {"usage",
               {{"prompt_tokens", hash % 300},
                {"completion_tokens", tokens},
                {"total_tokens", hash % 300 + tokens}}},
              {"system_fingerprint", std::string("fp_") + std::string(id).substr(6, 10)}}
      .dump();
}

bool IsHeldOut(const std::string& body) { return XXH3_64bits(body.data(), body.size()) % 2 == 1; }

}  // namespace larder::bench
