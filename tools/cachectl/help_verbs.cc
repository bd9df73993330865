// help and version.
#include <nlohmann/json.hpp>
#include <vector>

#include "console.h"
#include "invocation.h"
#include "larder/client/nearest_name.h"
#include "verbs.h"

namespace larder::cachectl {
namespace {

using nlohmann::ordered_json;

std::string Usage(const Verb& verb) {
  std::string text(verb.name);
  if (!verb.arguments.empty()) text += " " + std::string(verb.arguments);
  return text;
}

void AddFlags(std::span<const VerbFlag> flags, Rows& rows) {
  for (const VerbFlag& flag : flags) {
    const std::string value = flag.value.empty() ? "" : " " + std::string(flag.value);
    rows.emplace_back("  " + std::string(flag.name) + value + (flag.repeats ? " ..." : ""),
                      std::string(flag.help));
  }
}

void ShowAll(Console& console) {
  Rows rows = {
      {"cachectl [--dir DIR | --socket PATH | --url URL] [--config FILE] [--json] VERB ...", ""},
      {"Verbs:", ""}};
  for (const Verb& verb : Verbs()) rows.emplace_back("  " + Usage(verb), std::string(verb.help));
  rows.emplace_back("Flags of all verbs:", "");
  AddFlags(GlobalFlags(), rows);
  rows.emplace_back("KEY is 64 hex digits, text:... or b64:...", "");
  rows.emplace_back("Exit status: 0 done, 1 not found, 2 wrong usage or configuration,", "");
  rows.emplace_back("  3 not reachable or held by another, 4 corruption, 5 failed", "");
  console.Table(rows);
}

void ShowVerb(const Verb& verb, Console& console) {
  Rows rows = {{"cachectl " + Usage(verb) + ": " + std::string(verb.help), ""}};
  if (!verb.flags.empty()) rows.emplace_back("Flags:", "");
  AddFlags(verb.flags, rows);
  rows.emplace_back("Flags of all verbs:", "");
  AddFlags(GlobalFlags(), rows);
  console.Table(rows);
}

ordered_json VerbJson(const Verb& verb) {
  ordered_json flags = ordered_json::array();
  for (const VerbFlag& flag : verb.flags) {
    flags.push_back({{"name", flag.name}, {"value", flag.value}, {"help", flag.help}});
  }
  return {{"verb", verb.name},
          {"arguments", verb.arguments},
          {"help", verb.help},
          {"flags", std::move(flags)}};
}

}  // namespace

Result<tools::ExitStatus> RunHelp(const Invocation& invocation, Console& console) {
  std::string name;
  for (const std::string& word : invocation.arguments) name += (name.empty() ? "" : " ") + word;
  std::vector<const Verb*> asked;
  std::vector<std::string_view> known;
  for (const Verb& verb : Verbs()) {
    known.push_back(verb.name);
    // `help config` is help on all of that family.
    if (verb.name == name || verb.name.starts_with(name + " ")) asked.push_back(&verb);
  }
  if (!name.empty() && asked.empty()) {
    return Status(StatusCode::kInvalidArgument, "unknown verb \"" + name + "\"; nearest is \"" +
                                                    std::string(client::NearestName(name, known)) +
                                                    "\"");
  }
  if (console.json()) {
    ordered_json list = ordered_json::array();
    for (const Verb& verb : Verbs()) {
      if (name.empty() || FindVerb(name) == &verb || verb.name.starts_with(name + " ")) {
        list.push_back(VerbJson(verb));
      }
    }
    console.Line(ordered_json{{"verbs", std::move(list)}}.dump());
    return tools::kExitDone;
  }
  if (name.empty()) ShowAll(console);
  for (const Verb* verb : asked) ShowVerb(*verb, console);
  return tools::kExitDone;
}

Result<tools::ExitStatus> RunVersion(const Invocation&, Console& console) {
  if (console.json()) {
    console.Line(ordered_json{{"name", "cachectl"}, {"version", LARDER_VERSION}}.dump());
  } else {
    console.Line("cachectl " LARDER_VERSION);
  }
  return tools::kExitDone;
}

}  // namespace larder::cachectl
