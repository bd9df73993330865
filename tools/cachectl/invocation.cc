#include "invocation.h"

#include <algorithm>
#include <charconv>

#include "larder/client/nearest_name.h"

namespace larder::cachectl {
namespace {

Status Invalid(std::string message) { return {StatusCode::kInvalidArgument, std::move(message)}; }

std::string Nearest(std::string_view name, const std::vector<std::string_view>& known) {
  return "; nearest is \"" + std::string(client::NearestName(name, known)) + "\"";
}

std::string Quoted(std::string_view text) { return '"' + std::string(text) + '"'; }

// The words sorted into what begins with "--" and what does not; which verb it is decides later
// what they mean.
struct Words {
  std::vector<std::string> plain;
  std::string unknown_flag;  // the first, if it came before any plain word
  std::vector<std::pair<std::string, std::string>> flags;
};

// Of any verb or of all: whether a word after the flag is its value must be known before the verb.
const VerbFlag* FindFlagOfAny(std::string_view name) {
  const auto find = [&](std::span<const VerbFlag> flags) -> const VerbFlag* {
    const auto found = std::ranges::find(flags, name, &VerbFlag::name);
    return found == flags.end() ? nullptr : &*found;
  };
  if (const VerbFlag* flag = find(GlobalFlags())) return flag;
  for (const Verb& verb : Verbs()) {
    if (const VerbFlag* flag = find(verb.flags)) return flag;
  }
  return nullptr;
}

std::vector<std::string_view> FlagNames(const Verb* verb) {
  std::vector<std::string_view> names;
  if (verb != nullptr) {
    for (const VerbFlag& flag : verb->flags) names.push_back(flag.name);
  }
  for (const VerbFlag& flag : GlobalFlags()) names.push_back(flag.name);
  return names;
}

Result<Words> SortWords(const std::vector<std::string>& words) {
  Words sorted;
  for (std::size_t i = 0; i < words.size(); ++i) {
    const std::string& word = words[i];
    if (word == "--") {
      sorted.plain.insert(sorted.plain.end(), words.begin() + static_cast<std::ptrdiff_t>(i) + 1,
                          words.end());
      break;
    }
    if (word == "-h") {
      sorted.flags.emplace_back("--help", "");
      continue;
    }
    if (!word.starts_with('-') || word == "-") {
      sorted.plain.push_back(word);
      continue;
    }
    const std::size_t equals = word.find('=');
    const std::string name = word.substr(0, equals);
    const VerbFlag* flag = FindFlagOfAny(name);
    if (flag == nullptr) {
      // Told with its verb, where the nearest flag can be named.
      sorted.flags.emplace_back(name, "");
      if (sorted.plain.empty() && sorted.unknown_flag.empty()) sorted.unknown_flag = name;
    } else if (flag->value.empty()) {
      if (equals != word.npos) return Invalid(name + " takes no value");
      sorted.flags.emplace_back(name, "");
    } else if (equals != word.npos) {
      sorted.flags.emplace_back(name, word.substr(equals + 1));
    } else if (i + 1 < words.size()) {
      sorted.flags.emplace_back(name, words[++i]);
    } else {
      return Invalid(name + " needs a value: " + name + " " + std::string(flag->value));
    }
  }
  return sorted;
}

Status UnknownVerb(const std::string& name) {
  std::vector<std::string_view> known;
  for (const Verb& verb : Verbs()) known.push_back(verb.name);
  return Invalid("unknown verb " + Quoted(name) + Nearest(name, known) + " (see cachectl help)");
}

// Takes the verb, of one word or two, off the plain words.
Result<const Verb*> TakeVerb(std::vector<std::string>& plain) {
  if (plain.empty()) return FindVerb("help");
  for (const std::size_t count : {2, 1}) {
    if (plain.size() < count) continue;
    const std::string name = count == 2 ? plain[0] + " " + plain[1] : plain[0];
    const Verb* verb = FindVerb(name);
    if (verb == nullptr) continue;
    plain.erase(plain.begin(), plain.begin() + static_cast<std::ptrdiff_t>(count));
    return verb;
  }
  const bool is_family = std::ranges::any_of(
      Verbs(), [&](const Verb& verb) { return verb.name.starts_with(plain[0] + " "); });
  return UnknownVerb(is_family && plain.size() > 1 ? plain[0] + " " + plain[1] : plain[0]);
}

Status CheckArguments(const Invocation& invocation) {
  const Verb& verb = *invocation.verb;
  const std::size_t count = invocation.arguments.size();
  if (count >= verb.least_arguments && count <= verb.most_arguments) return Status::Ok();
  const std::string usage = "cachectl " + std::string(verb.name) +
                            (verb.arguments.empty() ? "" : " ") + std::string(verb.arguments);
  const std::string what =
      count < verb.least_arguments
          ? "too few arguments"
          : "unexpected argument " + Quoted(invocation.arguments[verb.most_arguments]);
  return Invalid(what + "; usage: " + usage);
}

Status AddFlag(const std::string& name, const std::string& value, Invocation& invocation) {
  const Verb& verb = *invocation.verb;
  const std::vector<std::string_view> known = FlagNames(&verb);
  if (std::ranges::find(known, name) == known.end()) {
    return Invalid("unknown flag " + Quoted(name) + " of " + std::string(verb.name) +
                   Nearest(name, known));
  }
  // What a script left unset must not stand for the configured cache.
  const bool is_place =
      name == "--dir" || name == "--socket" || name == "--url" || name == "--config";
  if (is_place && value.empty()) return Invalid(name + " needs a value that is not empty");
  std::vector<std::string>& values = invocation.flags[name];
  if (!values.empty() && !FindFlagOfAny(name)->repeats) return Invalid(name + " is given twice");
  values.push_back(value);
  return Status::Ok();
}

}  // namespace

std::string Invocation::Value(std::string_view flag) const {
  const auto found = flags.find(flag);
  return found == flags.end() ? "" : found->second.back();
}

std::vector<std::string> Invocation::Values(std::string_view flag) const {
  const auto found = flags.find(flag);
  return found == flags.end() ? std::vector<std::string>() : found->second;
}

Result<std::uint32_t> ReadNumber(const Invocation& invocation, std::string_view flag,
                                 std::uint32_t otherwise) {
  if (!invocation.Has(flag)) return otherwise;
  const std::string text = invocation.Value(flag);
  std::uint32_t number = 0;
  const char* end = text.data() + text.size();
  const auto [at, error] = std::from_chars(text.data(), end, number);
  if (at == end && error == std::errc() && number > 0) return number;
  return Invalid(std::string(flag) + " " + Quoted(text) + " is not a number from 1 on");
}

Result<Invocation> ParseInvocation(const std::vector<std::string>& words) {
  Result<Words> sorted = SortWords(words);
  if (!sorted.ok()) return sorted.status();
  Invocation invocation;
  const Result<const Verb*> verb = TakeVerb(sorted->plain);
  if (!verb.ok() && !sorted->unknown_flag.empty()) {  // what looks like the verb was its value
    return Invalid("unknown flag " + Quoted(sorted->unknown_flag) +
                   Nearest(sorted->unknown_flag, FlagNames(nullptr)));
  }
  if (!verb.ok()) return verb.status();
  invocation.verb = *verb;
  invocation.arguments = sorted->plain;
  for (const auto& [name, value] : sorted->flags) {
    if (Status status = AddFlag(name, value, invocation); !status.ok()) return status;
  }
  if (invocation.Has("--dir") + invocation.Has("--socket") + invocation.Has("--url") > 1) {
    return Invalid("only one of --dir, --socket, --url");
  }
  if (invocation.Has("--help") && invocation.verb->name != "help") {
    invocation.arguments = {std::string(invocation.verb->name)};
    invocation.verb = FindVerb("help");
  }
  if (invocation.Has("--version")) {
    invocation.arguments.clear();
    invocation.verb = FindVerb("version");
  }
  if (Status status = CheckArguments(invocation); !status.ok()) return status;
  return invocation;
}

}  // namespace larder::cachectl
