#include "verb_table.h"

#include <limits>

#include "verbs.h"

namespace larder::cachectl {
namespace {

constexpr std::size_t kAny = std::numeric_limits<std::size_t>::max();

constexpr VerbFlag kGlobalFlags[] = {
    {"--dir", "DIR", "the cache's directory; the configuration is not read for it"},
    {"--socket", "PATH", "admin socket of the process that holds the cache"},
    {"--config", "FILE",
     "config.json; else $LARDER_CONFIG, ./config.json, /etc/larder/config.json"},
    {"--json", "", "one JSON document on stdout"},
    {"--help", "", "help on the verb"},
    {"--version", "", "the version"},
};

constexpr VerbFlag kGetFlags[] = {
    {"--meta", "", "what is known of the entry instead of its body"},
    {"--form", "json|sse", "the answer in that form, whichever it was received in"},
    {"--raw", "", "the stored value as it is"},
};

constexpr VerbFlag kPutFlags[] = {
    {"--file", "F", "the value; else stdin"},
    {"--ttl", "D", "how long it is fresh, as 30s, 24h, 7d, never; else as configured"},
    {"--tag", "T", "a tag of the entry", true},
    {"--cost", "MICROUSD", "what computing it cost"},
};

constexpr VerbFlag kTouchFlags[] = {
    {"--ttl", "D", "how long it is fresh from now on, as 30s, 24h, 7d, never"},
};

constexpr VerbFlag kListFlags[] = {
    {"--prefix", "P", "only keys that begin with P, as KEY or the first hex digits of one"},
    {"--tag", "T", "only entries with this tag"},
    {"--state", "fresh|stale|all", "all if not given"},
    {"--sort", "age|size|cost", "youngest, largest, dearest first; else by key"},
    {"--limit", "N", "at most so many; all if not given"},
    {"--keys-only", "", "only the keys, one a line"},
};

constexpr VerbFlag kInvalidateFlags[] = {
    {"--tag", "T", "every entry with this tag", true},
    {"--all", "", "every entry; asks first"},
    {"--yes", "", "do not ask"},
    {"--dry-run", "", "say what would be covered, and do nothing"},
};

constexpr VerbFlag kKeyFlags[] = {
    {"--path", "PATH", "path and query of the request; /v1/chat/completions if not given"},
    {"--provider", "NAME", "the provider; else the gateway's for such a path"},
    {"--namespace", "NAME", "Larder-Namespace of the request"},
    {"--sample", "N", "Larder-Sample of the request"},
    {"--header", "NAME:VALUE", "a header of the request", true},
    {"--credential-from-env", "VAR", "the caller's API key is in this environment variable"},
};

constexpr Verb kVerbs[] = {
    {"stats", "", 0, 0, "entries, bytes, hits, misses, cost and time saved", {}, RunStats},
    {"get", "KEY", 1, 1, "write an answer's body to stdout", kGetFlags, RunGet},
    {"put", "KEY", 1, 1, "store a value, from stdin or a file", kPutFlags, RunPut},
    {"touch", "KEY", 1, 1, "give an entry a new lifetime", kTouchFlags, RunTouch},
    {"ls", "", 0, 0, "list entries", kListFlags, RunList},
    {"rm", "KEY...", 1, kAny, "remove entries", {}, RunRemove},
    {"invalidate", "", 0, 0, "make all entries with a tag, or all, a miss", kInvalidateFlags,
     RunInvalidate},
    {"key", "REQUEST.json", 1, 1, "the key of a request, and what it is made of; - reads stdin",
     kKeyFlags, RunKey},
    {"policy test", "REQUEST.json", 1, 1,
     "which rule of the policy decides on a request, and what it says; - reads stdin", kKeyFlags,
     RunPolicyTest},
    {"config check", "", 0, 0, "check the configuration", {}, RunConfigCheck},
    {"config show",
     "",
     0,
     0,
     "the configuration in force, and where each value is from",
     {},
     RunConfigShow},
    {"config set",
     "KEY=VALUE",
     1,
     1,
     "change a key in the configuration's file; says whether running processes take it over",
     {},
     RunConfigSet},
    {"config schema", "", 0, 0, "the JSON Schema of config.json", {}, RunConfigSchema},
    {"help", "[VERB]", 0, 2, "this, or help on a verb", {}, RunHelp},
    {"version", "", 0, 0, "the version", {}, RunVersion},
};

}  // namespace

std::span<const Verb> Verbs() { return kVerbs; }

const Verb* FindVerb(std::string_view name) {
  for (const Verb& verb : kVerbs) {
    if (verb.name == name) return &verb;
  }
  return nullptr;
}

std::span<const VerbFlag> GlobalFlags() { return kGlobalFlags; }

}  // namespace larder::cachectl
