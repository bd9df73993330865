// dict ls and dict train: what bodies are compressed with.
#include <nlohmann/json.hpp>
#include <string>

#include "cache_access.h"
#include "console.h"
#include "human_units.h"
#include "store_requests.h"
#include "verbs.h"

namespace larder::cachectl {
namespace {

using nlohmann::ordered_json;

Result<ordered_json> Call(const Invocation& invocation, const char* method) {
  const Result<std::unique_ptr<CacheAccess>> cache = ReachCache(invocation);
  if (!cache.ok()) return cache.status();
  const Result<std::string> answer = (*cache)->Call(
      {.method = method, .path = std::string(admin::kDictionariesPath), .is_slow = true});
  if (!answer.ok()) return answer.status();
  return ordered_json::parse(*answer);
}

}  // namespace

Result<tools::ExitStatus> RunDictionaryList(const Invocation& invocation, Console& console) {
  const Result<ordered_json> answer = Call(invocation, "GET");
  if (!answer.ok()) return answer.status();
  for (const ordered_json& dictionary : (*answer)["dictionaries"]) {
    if (console.json()) {
      console.Line(dictionary.dump());
      continue;
    }
    const auto files = dictionary["files"].get<std::uint64_t>();
    console.Line(
        dictionary["id"].get<std::string>() + "  " + ShowBytes(dictionary["bytes"]) +
        (files > 0 ? ", needed by " + ShowCount(files) + " tables" : ", not needed") +
        (dictionary["writing"].get<bool>() ? ", what is stored now is compressed with it" : ""));
  }
  return tools::kExitDone;
}

Result<tools::ExitStatus> RunDictionaryTrain(const Invocation& invocation, Console& console) {
  const Result<ordered_json> answer = Call(invocation, "POST");
  if (!answer.ok()) return answer.status();
  if (console.json()) {
    console.Line(answer->dump());
    return tools::kExitDone;
  }
  const std::uint64_t raw = (*answer)["raw_bytes"];
  if ((*answer)["current_bytes"] == 0) {  // it was not tried
    console.Line("too little is stored to train from: it takes 64 KiB of bodies");
    return tools::kExitDone;
  }
  const bool adopted = (*answer)["adopted"].get<bool>();
  console.Line(std::string(adopted ? "adopted" : "not adopted, it must save 5 %") +
               ": of bodies it was not trained on, " + ShowShare((*answer)["trained_bytes"], raw) +
               " of their size would be stored, as things are " +
               ShowShare((*answer)["current_bytes"], raw));
  return tools::kExitDone;
}

}  // namespace larder::cachectl
