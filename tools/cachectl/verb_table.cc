#include "verb_table.h"

#include <limits>

#include "verbs.h"

namespace larder::cachectl {
namespace {

constexpr std::size_t kAny = std::numeric_limits<std::size_t>::max();

constexpr VerbFlag kGlobalFlags[] = {
    {"--dir", "DIR", "the cache's directory; the configuration is not read for it"},
    {"--socket", "PATH", "admin socket of the process that holds the cache"},
    {"--url", "URL",
     "admin API over TCP (admin.listen); admin.token of the configuration opens it"},
    {"--config", "FILE",
     "config.json; else $LARDER_CONFIG, ./config.json, /etc/larder/config.json"},
    {"--json", "", "one JSON document on stdout"},
    {"--help", "", "help on the verb"},
    {"--version", "", "the version"},
};

constexpr VerbFlag kTopFlags[] = {
    {"--interval", "D", "between two looks, as 500ms, 1s; 1s if not given"},
    {"--times", "N", "so many looks; until it is stopped if not given"},
};

constexpr VerbFlag kMonitorFlags[] = {
    {"--limit", "N", "end after so many; goes on until it is stopped if not given"},
};

constexpr VerbFlag kTagsFlags[] = {
    {"--limit", "N", "only the N that take most; all if not given"},
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
    {"--sort", "age|size|hits|cost", "youngest, largest, most hit, dearest first; else by key"},
    {"--limit", "N", "at most so many; all if not given"},
    {"--keys-only", "", "only the keys, one a line"},
};

constexpr VerbFlag kInvalidateFlags[] = {
    {"--tag", "T", "every entry with this tag", true},
    {"--prefix", "P", "every entry whose key begins with P, as KEY or the first hex digits of one"},
    {"--all", "", "every entry; asks first"},
    {"--soft", "", "only end their freshness: those who accept stale entries still get them"},
    {"--count", "", "say how many entries that are, by looking at all of them"},
    {"--yes", "", "do not ask"},
    {"--dry-run", "", "say what would be covered, and do nothing"},
};

constexpr VerbFlag kBackupFlags[] = {
    {"--keep", "N", "keep the newest N backups there; 7 if not given"},
    {"--list", "", "say which backups are there, oldest first, and make none"},
};

constexpr VerbFlag kRestoreFlags[] = {
    {"--id", "N", "which backup; the newest if not given"},
    {"--yes", "", "do not ask if invalidations would be undone"},
};

constexpr VerbFlag kVerifyFlags[] = {
    {"--backup", "DIR", "of a backup there instead of the cache"},
    {"--id", "N", "which backup; the newest if not given"},
};

constexpr VerbFlag kExplainFlags[] = {
    {"--recent", "", "the recent misses of a running larderd that nearly were hits, latest first"},
    {"--limit", "N", "of recent misses: at most so many; 20 if not given"},
    {"--tag", "T", "a tag of the read", true},
    {"--method", "METHOD", "of two requests: as for key"},
    {"--path", "PATH", "of two requests: as for key"},
    {"--provider", "NAME", "of two requests: as for key"},
    {"--namespace", "NAME", "of two requests: as for key"},
    {"--sample", "N", "of two requests: as for key"},
    {"--header", "NAME:VALUE", "of two requests: as for key", true},
};

constexpr VerbFlag kKeyFlags[] = {
    {"--method", "METHOD", "POST if not given; with dialect http and an empty body GET"},
    {"--path", "PATH", "path and query of the request; /v1/chat/completions if not given"},
    {"--provider", "NAME", "the provider; else the gateway's for such a path"},
    {"--namespace", "NAME", "Larder-Namespace of the request"},
    {"--sample", "N", "Larder-Sample of the request"},
    {"--header", "NAME:VALUE", "a header of the request", true},
    {"--credential-from-env", "VAR", "the caller's API key is in this environment variable"},
    {"--client", "NAME", "the caller, where the gateway has clients of its own"},
};

constexpr VerbFlag kWarmFlags[] = {
    {"--gateway", "URL", "where larderd listens; else as gateway.listen says"},
    {"--parallel", "N", "so many requests at a time; 4 if not given"},
    {"--path", "PATH", "path of the requests that name none; /v1/chat/completions if not given"},
    {"--provider", "NAME", "whose credential --credential-from-env is; else the path's"},
    {"--namespace", "NAME", "Larder-Namespace of the requests"},
    {"--sample", "N", "Larder-Sample of the requests"},
    {"--header", "NAME:VALUE", "a header of the requests", true},
    {"--credential-from-env", "VAR", "the caller's API key is in this environment variable"},
};

// Of whose request it is, the policy knows nothing.
constexpr std::span<const VerbFlag> kPolicyFlags = std::span(kKeyFlags).first<7>();

constexpr VerbFlag kClientFlags[] = {
    {"--namespace", "N", "its key space, which may be shared with other clients; else its name"},
    {"--provider", "P", "a provider that it may use; all if not given", true},
    {"--model", "M", "a model that it may use, as gpt-4o or gpt-*; all if not given", true},
    {"--requests-per-minute", "N", "so many requests, hits too; any number if not given"},
    {"--usd-per-day", "USD", "what its misses may cost; any amount if not given"},
};

constexpr Verb kVerbs[] = {
    {"stats", "", 0, 0, "entries, bytes, hits, misses, cost and time saved", {}, RunStats},
    {"top", "", 0, 0, "what a running cache does, live in the terminal", kTopFlags, RunTop},
    {"monitor", "", 0, 0, "hits and misses of a running larderd, as they happen", kMonitorFlags,
     RunMonitor},
    {"tags", "", 0, 0, "the tags of all entries, with entries and bytes of each", kTagsFlags,
     RunTags},
    {"get", "KEY", 1, 1, "write an answer's body to stdout", kGetFlags, RunGet},
    {"put", "KEY", 1, 1, "store a value, from stdin or a file", kPutFlags, RunPut},
    {"touch", "KEY", 1, 1, "give an entry a new lifetime", kTouchFlags, RunTouch},
    {"ls", "", 0, 0, "list entries", kListFlags, RunList},
    {"rm", "KEY...", 1, kAny, "remove entries", {}, RunRemove},
    {"invalidate", "", 0, 0, "make all entries with a tag or a prefix, or all, a miss",
     kInvalidateFlags, RunInvalidate},
    {"explain", "KEY | A.json B.json | --recent", 0, 2,
     "why a key is a hit or a miss; in which fields two requests, or recent ones, differ",
     kExplainFlags, RunExplain},
    {"export",
     "[FILE]",
     0,
     1,
     "write all entries, an object a line; - or none is stdout",
     {},
     RunExport},
    {"import", "[FILE]", 0, 1, "store the entries of an export; - or none is stdin", {}, RunImport},
    {"warm", "FILE", 1, 1, "send the requests of a file through a running larderd; - is stdin",
     kWarmFlags, RunWarm},
    {"backup", "DIR", 1, 1, "copy the cache, while it is in use, beside earlier backups in DIR",
     kBackupFlags, RunBackup},
    {"restore", "DIR", 1, 1, "put a backup of DIR in the place of the cache", kRestoreFlags,
     RunRestore},
    {"verify", "", 0, 0, "read everything and compare checksums", kVerifyFlags, RunVerify},
    {"compact", "", 0, 0, "reclaim now what has expired, or is invalid or removed", {}, RunCompact},
    {"dict ls",
     "",
     0,
     0,
     "the dictionaries that bodies are compressed with",
     {},
     RunDictionaryList},
    {"dict train",
     "",
     0,
     0,
     "train a dictionary now, and use it if it pays",
     {},
     RunDictionaryTrain},
    {"doctor", "", 0, 0, "what is wrong, and what to do about it", {}, RunDoctor},
    {"key", "REQUEST.json", 1, 1, "the key of a request, and what it is made of; - reads stdin",
     kKeyFlags, RunKey},
    {"policy test", "REQUEST.json", 1, 1,
     "which rule of the policy decides on a request, and what it says; - reads stdin", kPolicyFlags,
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
    {"secret set",
     "NAME",
     1,
     1,
     "put a secret into the vault, from the terminal or stdin; makes the vault if there is none",
     {},
     RunSecretSet},
    {"secret ls", "", 0, 0, "the names of the vault's secrets", {}, RunSecretList},
    {"secret rm", "NAME...", 1, kAny, "take secrets out of the vault", {}, RunSecretRemove},
    {"secret rekey",
     "",
     0,
     0,
     "give the vault a new passphrase, from the terminal or stdin",
     {},
     RunSecretRekey},
    {"client add", "NAME", 1, 1,
     "make a key of the gateway's own, and show it once; the configuration keeps its hash",
     kClientFlags, RunClientAdd},
    {"client ls", "", 0, 0, "who has a key, and what for", {}, RunClientList},
    {"client rm", "NAME", 1, 1, "take a client and its key out", {}, RunClientRemove},
    {"completion",
     "bash|zsh|fish",
     1,
     1,
     "what the shell needs to complete command lines of cachectl",
     {},
     RunCompletion},
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
