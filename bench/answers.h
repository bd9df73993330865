// Answers of models to measure sizes with: those of lmarena/arena-hard-auto (Apache-2.0), which are
// text, and the chat completion around one.
#pragma once

#include <cstdint>
#include <string>
#include <vector>

namespace larder::bench {

// Of all .jsonl files in `directory` but those of questions, in the order of their names.
std::vector<std::string> ReadAnswers(const std::string& directory);

// As a provider would send it. `which`: several of one answer differ as two computations do, in
// id, time and fingerprint.
std::string ChatCompletion(const std::string& answer, std::uint64_t which = 0);

// For halves of which one is shown to a trainer: the same in every run.
bool IsHeldOut(const std::string& body);

}  // namespace larder::bench
