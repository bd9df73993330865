// explain A.json B.json: in which fields two requests differ. Names of fields only: what is in them
// may be a prompt.
#include <algorithm>
#include <nlohmann/json.hpp>
#include <set>

#include "console.h"
#include "larder/client/explain_key.h"
#include "request_file.h"
#include "verbs.h"

namespace larder::cachectl {
namespace {

using nlohmann::ordered_json;

struct Side {
  client::KeyExplanation explanation;
  ordered_json body;
};

Result<Side> ReadSide(const Invocation& invocation, const std::string& file) {
  const Result<RequestFile> request = ReadRequestFile(invocation, file);
  if (!request.ok()) return request.status();
  // The same caller sends both: the scope plays no part.
  Result<client::KeyExplanation> explanation =
      client::ExplainKey(request->request, request->provider, request->config.client.policy, "");
  if (!explanation.ok()) return explanation.status().WithContext(file);
  if (!explanation->has_key()) {
    return Status(StatusCode::kInvalidArgument,
                  file + ": not compared: nobody reads such a body (" + explanation->bypass + ")");
  }
  ordered_json body = ordered_json::parse(request->request.body, nullptr, /*exceptions=*/false);
  return Side{*std::move(explanation), std::move(body)};
}

// Of the dialect http it may be any bytes, which are the same or not as a whole.
ordered_json Canonical(const Side& side) {
  ordered_json json =
      ordered_json::parse(side.explanation.canonical, nullptr, /*exceptions=*/false);
  return json.is_discarded() ? ordered_json(side.explanation.canonical) : json;
}

// Pointers to what is not the same, each once.
std::set<std::string> Differences(const ordered_json& a, const ordered_json& b) {
  std::set<std::string> pointers;
  for (const ordered_json& step : ordered_json::diff(a, b)) pointers.insert(step["path"]);
  return pointers;
}

// Of fields that are left out of both keys.
std::set<std::string> IgnoredDifferences(const Side& a, const Side& b) {
  std::set<std::string> names(a.explanation.ignored.begin(), a.explanation.ignored.end());
  names.insert(b.explanation.ignored.begin(), b.explanation.ignored.end());
  std::erase_if(names, [&](const std::string& name) {
    return a.body.contains(name) && b.body.contains(name) && a.body[name] == b.body[name];
  });
  return names;
}

}  // namespace

Result<tools::ExitStatus> ExplainDifference(const Invocation& invocation, Console& console) {
  const Result<Side> a = ReadSide(invocation, invocation.arguments[0]);
  if (!a.ok()) return a.status();
  const Result<Side> b = ReadSide(invocation, invocation.arguments[1]);
  if (!b.ok()) return b.status();
  const bool same = a->explanation.key == b->explanation.key;
  const std::set<std::string> differs = Differences(Canonical(*a), Canonical(*b));
  const std::set<std::string> ignored = IgnoredDifferences(*a, *b);
  if (console.json()) {
    console.Line(
        ordered_json{{"same_key", same}, {"differs", differs}, {"ignored", ignored}}.dump());
  } else {
    Rows rows = {{"key", same ? "the same for both" : "not the same"}};
    for (const std::string& pointer : differs) {
      rows.emplace_back("differs", pointer.empty() ? "the body" : pointer);
    }
    for (const std::string& name : ignored) {
      rows.emplace_back("differs", "/" + name + ", which plays no part in the key");
    }
    console.Table(rows);
  }
  for (const Side* side : {&*a, &*b}) {
    if (side->explanation.bypass.empty()) continue;
    console.Note("cachectl: " + invocation.arguments[side == &*a ? 0 : 1] +
                 " goes past the cache (" + side->explanation.bypass + ")");
  }
  return same ? tools::kExitDone : tools::kExitNotFound;
}

}  // namespace larder::cachectl
