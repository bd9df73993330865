// completion: what a shell needs to complete the words of a cachectl command line, made from the
// table of verbs.
#include <algorithm>
#include <string>
#include <vector>

#include "console.h"
#include "invocation.h"
#include "verbs.h"

namespace larder::cachectl {
namespace {

// What may follow the words so far: "" begins a command line, "config" a family of verbs.
struct Stage {
  std::string after;
  std::vector<std::pair<std::string, std::string>> words;  // with their help
  std::span<const VerbFlag> flags;
};

Stage& StageAfter(const std::string& after, std::vector<Stage>& stages) {
  const auto found = std::ranges::find(stages, after, &Stage::after);
  if (found != stages.end()) return *found;
  return stages.emplace_back(Stage{after, {}, {}});
}

void AddWord(const std::string& word, const std::string& help, Stage& stage) {
  const auto known = [&](const auto& other) { return other.first == word; };
  if (std::ranges::none_of(stage.words, known)) stage.words.emplace_back(word, help);
}

std::vector<Stage> Stages() {
  std::vector<Stage> stages;
  StageAfter("", stages);
  for (const Verb& verb : Verbs()) {
    const std::string name(verb.name);
    const std::size_t space = name.find(' ');
    const std::string first = name.substr(0, space);
    const bool alone = space == name.npos;
    AddWord(first, alone ? std::string(verb.help) : first + " ...", stages.front());
    if (!alone) {
      AddWord(name.substr(space + 1), std::string(verb.help), StageAfter(first, stages));
    }
    StageAfter(name, stages).flags = verb.flags;
  }
  return stages;
}

// In single quotes; `quote`: how the shell writes one within.
std::string Quoted(std::string_view text, std::string_view quote) {
  std::string quoted = "'";
  for (const char c : text) {
    quoted += c == '\'' ? quote : std::string_view(&c, 1);
  }
  return quoted + "'";
}
constexpr std::string_view kQuoteOfZsh = R"('\'')";
constexpr std::string_view kQuoteOfFish = R"(\')";

// The loop that finds the stage: `verb` from the words before the cursor.
std::string FindStage(const std::vector<Stage>& stages) {
  std::string text = "    case \"$verb $word\" in\n";
  for (const Stage& stage : stages) {
    for (const auto& [word, help] : stage.words) {
      const std::string next = stage.after.empty() ? word : stage.after + " " + word;
      text += "      '" + stage.after + " " + word + "') verb='" + next + "' ;;\n";
    }
  }
  return text + "    esac\n";
}

std::string Bash() {
  const std::vector<Stage> stages = Stages();
  std::string text =
      "# source <(cachectl completion bash)\n"
      "_cachectl() {\n"
      "  local word verb= words=\n"
      "  for word in \"${COMP_WORDS[@]:1:COMP_CWORD-1}\"; do\n" +
      FindStage(stages) + "  done\n  case $verb in\n";
  for (const Stage& stage : stages) {
    text += "    '" + stage.after + "') words='";
    for (const auto& [word, help] : stage.words) text += word + " ";
    for (const VerbFlag& flag : stage.flags) text += std::string(flag.name) + " ";
    text += "' ;;\n";
  }
  text += "  esac\n  words+='";
  for (const VerbFlag& flag : GlobalFlags()) text += std::string(flag.name) + " ";
  return text +
         "'\n"
         "  COMPREPLY=($(compgen -W \"$words\" -- \"${COMP_WORDS[COMP_CWORD]}\"))\n"
         "}\n"
         "complete -o default -F _cachectl cachectl\n";
}

// "name:help", as _describe takes it.
std::string Described(const std::string& name, std::string_view help) {
  return " " + Quoted(name + ":" + std::string(help), kQuoteOfZsh);
}

std::string Zsh() {
  const std::vector<Stage> stages = Stages();
  std::string text =
      "#compdef cachectl\n"
      "_cachectl() {\n"
      "  local word verb=\n"
      "  local -a choices flags\n"
      "  for word in \"${(@)words[2,CURRENT-1]}\"; do\n" +
      FindStage(stages) + "  done\n  case $verb in\n";
  for (const Stage& stage : stages) {
    text += "    '" + stage.after + "')\n      choices=(";
    for (const auto& [word, help] : stage.words) text += Described(word, help);
    text += " )\n      flags=(";
    for (const VerbFlag& flag : stage.flags) text += Described(std::string(flag.name), flag.help);
    text += " ) ;;\n";
  }
  text += "  esac\n  flags+=(";
  for (const VerbFlag& flag : GlobalFlags()) {
    text += Described(std::string(flag.name), flag.help);
  }
  return text +
         " )\n"
         "  if [[ $PREFIX == -* ]]; then _describe -o flag flags; return; fi\n"
         "  if (( $#choices )); then _describe verb choices; return; fi\n"
         "  _files\n"
         "}\n"
         "compdef _cachectl cachectl\n";
}

std::string FishFlag(const VerbFlag& flag, const std::string& when) {
  return "complete -c cachectl" + when + " -l " + std::string(flag.name.substr(2)) +
         (flag.value.empty() ? "" : " -r") + " -d " + Quoted(flag.help, kQuoteOfFish) + "\n";
}

std::string Fish() {
  const std::vector<Stage> stages = Stages();
  std::string text =
      "# cachectl completion fish | source\n"
      "function __cachectl_is\n"
      "  set -l verb ''\n"
      "  for word in (commandline -opc)[2..]\n"
      "    switch \"$verb $word\"\n";
  for (const Stage& stage : stages) {
    for (const auto& [word, help] : stage.words) {
      const std::string next = stage.after.empty() ? word : stage.after + " " + word;
      text += "      case '" + stage.after + " " + word + "'\n        set verb '" + next + "'\n";
    }
  }
  text += "    end\n  end\n  test \"$verb\" = \"$argv[1]\"\nend\n";
  for (const Stage& stage : stages) {
    const std::string when = " -n \"__cachectl_is '" + stage.after + "'\"";
    for (const auto& [word, help] : stage.words) {
      text += "complete -c cachectl -f" + when + " -a " + word + " -d " +
              Quoted(help, kQuoteOfFish) + "\n";
    }
    for (const VerbFlag& flag : stage.flags) text += FishFlag(flag, when);
  }
  for (const VerbFlag& flag : GlobalFlags()) text += FishFlag(flag, "");
  return text;
}

}  // namespace

Result<tools::ExitStatus> RunCompletion(const Invocation& invocation, Console& console) {
  const std::string& shell = invocation.arguments[0];
  if (shell == "bash") {
    console.Write(Bash());
  } else if (shell == "zsh") {
    console.Write(Zsh());
  } else if (shell == "fish") {
    console.Write(Fish());
  } else {
    return Status(StatusCode::kInvalidArgument,
                  "no completion for \"" + shell + "\"; allowed: bash, zsh, fish");
  }
  return tools::kExitDone;
}

}  // namespace larder::cachectl
