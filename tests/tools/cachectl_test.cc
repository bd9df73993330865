// cachectl as people run it: the real program, against a cache that this process holds and serves,
// or that nobody holds.
#include <fcntl.h>
#include <pty.h>
#include <unistd.h>

#include <filesystem>
#include <fstream>
#include <nlohmann/json.hpp>

#include "cachectl_fixture.h"
#include "larder/client/credentials.h"
#include "larder/client/explain_key.h"

namespace larder::cachectl {
namespace {

using nlohmann::json;
using ::testing::AllOf;
using ::testing::ContainsRegex;
using ::testing::HasSubstr;
using ::testing::IsEmpty;
using ::testing::MatchesRegex;
using ::testing::Not;
using ::testing::StartsWith;

INSTANTIATE_TEST_SUITE_P(Every, ReachedCacheTest, kEveryWay, HeldName);

TEST_P(ReachedCacheTest, StatsHaveEveryPromisedField) {
  const ProgramEnd end = Run({"stats", "--json"});
  EXPECT_EQ(end.exit_status, 0) << end.err;
  const json stats = json::parse(end.out);
  for (const char* field :
       {"entries", "raw_bytes", "stored_bytes", "disk_bytes", "memory_bytes", "hits", "misses",
        "stale_hits", "coalesced", "stores", "refused", "evicted", "expired", "invalidated",
        "microusd_saved", "ms_saved", "uptime_ms"}) {
    EXPECT_TRUE(stats.contains(field)) << field;
  }
  EXPECT_EQ(stats["stores"], 2);
  EXPECT_GT(stats["disk_bytes"], 0);
  EXPECT_THAT(end.err, IsEmpty());
}

TEST_P(ReachedCacheTest, StatsForPeopleAreATable) {
  const ProgramEnd end = Run({"stats"});
  EXPECT_EQ(end.exit_status, 0);
  EXPECT_THAT(end.out,
              AllOf(ContainsRegex("^state +serving\nSizes\n"), ContainsRegex("\nstores +2\n")));
  EXPECT_THAT(end.out, Not(HasSubstr("\033")));
}

TEST_P(ReachedCacheTest, GetWritesTheBytesAndNothingElse) {
  for (const std::vector<std::string>& arguments : {std::vector<std::string>{"get", "text:plain"},
                                                    {"get", "b64:cGxhaW4"},
                                                    {"get", "text:plain", "--raw"}}) {
    const ProgramEnd end = Run(arguments);
    EXPECT_EQ(end.exit_status, 0) << end.err;
    EXPECT_EQ(end.out, std::string("a\0\xff", 3));
    EXPECT_THAT(end.err, IsEmpty());
  }
}

TEST_P(ReachedCacheTest, GetGivesAnAnswerInEitherForm) {
  EXPECT_EQ(Run({"get", "text:answer"}).out, kAnswer);
  EXPECT_EQ(json::parse(Run({"get", "text:answer", "--form", "json"}).out), json::parse(kAnswer));
  const ProgramEnd stream = Run({"get", "text:answer", "--form=sse"});
  EXPECT_EQ(stream.exit_status, 0) << stream.err;
  EXPECT_THAT(stream.out, AllOf(StartsWith("data: {"), HasSubstr("Good day"),
                                ::testing::EndsWith("data: [DONE]\n\n")));
  EXPECT_EQ(Run({"get", "text:plain", "--form", "sse"}).exit_status, 2);
}

TEST_P(ReachedCacheTest, GetTellsWhatIsKnownOfAnEntry) {
  const json entry = json::parse(Run({"get", "text:answer", "--meta", "--json"}).out);
  EXPECT_EQ(entry["key"], "text:answer");
  EXPECT_EQ(entry["state"], "fresh");
  EXPECT_EQ(entry["tags"], json({"y"}));
  EXPECT_EQ(entry["raw_bytes"], std::string(kAnswer).size());
  EXPECT_EQ(entry["answer"]["model"], "m");
  EXPECT_EQ(entry["answer"]["form"], "json");
  EXPECT_THAT(Run({"get", "text:answer", "--meta"}).out,
              AllOf(HasSubstr("text:answer\n"), HasSubstr("content-type: application/json\n")));
  EXPECT_EQ(json::parse(Run({"get", "text:answer", "--json"}).out)["body"], kAnswer);
  EXPECT_EQ(json::parse(Run({"get", "text:plain", "--json"}).out)["body_base64"], "YQD_");
}

TEST_P(ReachedCacheTest, AbsentKeyIsNotFound) {
  const ProgramEnd end = Run({"get", "text:absent"});
  EXPECT_EQ(end.exit_status, 1);
  EXPECT_THAT(end.out, IsEmpty());
  EXPECT_EQ(end.err, "cachectl: no entry text:absent\n");
}

TEST_P(ReachedCacheTest, RemovedEntryIsGone) {
  ProgramEnd end = Run({"rm", "text:plain", "text:answer"});
  EXPECT_EQ(end.exit_status, 0) << end.err;
  EXPECT_EQ(end.out, "removed text:plain\nremoved text:answer\n");
  EXPECT_FALSE(Has("plain"));
  end = Run({"rm", "text:plain", "--json"});
  EXPECT_EQ(end.exit_status, 1);
  EXPECT_EQ(json::parse(end.out), json::parse(R"({"removed":[],"not_found":["text:plain"]})"));
}

TEST_P(ReachedCacheTest, InvalidatedTagTakesItsEntriesOnly) {
  const ProgramEnd end = Run({"invalidate", "--tag", "x", "--tag=z"});
  EXPECT_EQ(end.exit_status, 0) << end.err;
  EXPECT_THAT(end.out, MatchesRegex("invalidated every entry with tag \"x\" or \"z\" "
                                    "\\(number [0-9]+\\)\n"));
  EXPECT_FALSE(Has("plain"));
  EXPECT_TRUE(Has("answer"));
}

TEST_P(ReachedCacheTest, InvalidatingAllAsksFirst) {
  ProgramEnd end = Run({"invalidate", "--all"});
  EXPECT_EQ(end.exit_status, 2);
  EXPECT_EQ(end.err, "cachectl: --all asks first, and there is no terminal; give --yes\n");
  EXPECT_TRUE(Has("plain"));
  end = Run({"invalidate", "--all", "--yes", "--json"});
  EXPECT_EQ(end.exit_status, 0) << end.err;
  EXPECT_EQ(json::parse(end.out)["all"], true);
  EXPECT_GT(json::parse(end.out)["number"], 0);
  EXPECT_FALSE(Has("plain"));
  EXPECT_FALSE(Has("answer"));
}

TEST_P(ReachedCacheTest, DryRunChangesNothing) {
  EXPECT_EQ(Run({"invalidate", "--tag", "x", "--dry-run"}).out,
            "would invalidate every entry with tag \"x\"\n");
  EXPECT_EQ(Run({"invalidate", "--all", "--dry-run"}).out, "would invalidate every entry\n");
  EXPECT_TRUE(Has("plain"));
  EXPECT_TRUE(Has("answer"));
}

TEST_P(ReachedCacheTest, KeyIsTheOneThatTheCachingLayerUses) {
  const std::string body = R"({"user":"u","model":"m","stream":true,"messages":[]})";
  std::ofstream(dir_ / "request.json") << body;
  const ProgramEnd end = Run({"key", "request.json", "--json", "--namespace", "n", "--sample", "3",
                              "--header", "X-Tenant: t", "--credential-from-env", "CREDENTIAL"},
                             {.words = {}, .environment = {{"CREDENTIAL", "hunter2"}}});
  EXPECT_EQ(end.exit_status, 0) << end.err;
  const json explained = json::parse(end.out);
  client::Request request;
  request.target = "/v1/chat/completions";
  request.headers = {{"x-tenant", "t"}, {"authorization", "Bearer hunter2"}};
  request.directives.name_space = "n";
  request.directives.sample = 3;
  client::ProviderConfig provider;
  provider.base_url = "http://h";
  provider.key_headers = {"x-tenant"};
  const std::string canonical = R"({"messages":[],"model":"m"})";
  EXPECT_EQ(explained["canonical"], canonical);
  EXPECT_EQ(
      explained["key"],
      client::ToHex(client::KeyOfRequest(
          request, provider, canonical,
          client::CredentialScope({request.headers, request.target, provider.dialect}, secret_))));
  EXPECT_THAT(explained["ignored"].get<std::vector<std::string>>(),
              ::testing::UnorderedElementsAre("user", "stream"));
  EXPECT_THAT(end.out, Not(HasSubstr("hunter2")));
}

TEST_P(ReachedCacheTest, KeyDependsOnTheCredentialAndTheProvider) {
  const auto key = [&](std::vector<std::string> flags) {
    flags.insert(flags.begin(), {"key", "-", "--json"});
    const ProgramEnd end =
        Run(flags, {.words = {}, .environment = {{"C", "hunter2"}}, .input = R"({"model":"m"})"});
    EXPECT_EQ(end.exit_status, 0) << end.err;
    return json::parse(end.out)["key"].get<std::string>();
  };
  const std::string plain = key({});
  EXPECT_THAT(plain, MatchesRegex("[0-9a-f]{64}"));
  EXPECT_EQ(key({}), plain);
  EXPECT_NE(key({"--credential-from-env", "C"}), plain);
  EXPECT_NE(key({"--provider", "other"}), plain);
  EXPECT_NE(key({"--path", "/v2/chat/completions"}), plain);
}

TEST_F(CachectlTest, HeldWithoutASocketTellsTheLineThatWouldServeOne) {
  OpenCache();
  const ProgramEnd end = Run({"stats"});
  EXPECT_EQ(end.exit_status, 3);
  EXPECT_EQ(end.err, "cachectl: " + directory_ +
                         " is held by another process that serves no admin socket; it would with "
                         "this line:\n  auto admin = larder::admin::AdminServer::Start(*cache, "
                         "{.socket = \"" +
                         directory_ + "/admin.sock\"});\n");
}

TEST_F(CachectlTest, CacheThatIsNotThereIsNotCreated) {
  ProgramEnd end = Run({"stats"});
  EXPECT_EQ(end.exit_status, 3);
  EXPECT_EQ(end.err, "cachectl: " + directory_ + " is not a cache: it has no store\n");
  EXPECT_FALSE(std::filesystem::exists(directory_));
  std::filesystem::create_directory(directory_);
  EXPECT_EQ(Run({"rm", "text:k"}).exit_status, 3);
  EXPECT_TRUE(std::filesystem::is_empty(directory_));
}

TEST_F(CachectlTest, SocketThatNobodyServesIsNotReachable) {
  const ProgramEnd end = Plain({"--socket", dir_ / "admin.sock", "stats"});
  EXPECT_EQ(end.exit_status, 3);
  EXPECT_EQ(end.err, "cachectl: nobody listens on " + dir_ / "admin.sock" + "\n");
}

TEST_F(CachectlTest, SocketOfADeadHolderIsPassedBy) {
  OpenCache();
  ASSERT_OK(cache_->Put("k", "v"));
  Serve();
  // As a crash leaves it: the file is there, and nobody listens.
  std::filesystem::rename(directory_ + "/admin.sock", dir_ / "kept");
  CloseCache();
  std::filesystem::rename(dir_ / "kept", directory_ + "/admin.sock");
  const ProgramEnd end = Run({"get", "text:k"});
  EXPECT_EQ(end.exit_status, 0) << end.err;
  EXPECT_EQ(end.out, "v");
}

TEST_F(CachectlTest, DamagedStoreIsToldAndLeftAsItIs) {
  OpenCache();
  ASSERT_OK(cache_->Put("k", "v"));
  CloseCache();
  for (const auto& file : std::filesystem::directory_iterator(directory_ + "/store")) {
    if (file.path().filename().string().starts_with("MANIFEST")) {
      std::ofstream(file.path(), std::ios::trunc) << "not a manifest";
    }
  }
  const ProgramEnd end = Run({"stats"});
  EXPECT_EQ(end.exit_status, 4) << end.err;
  EXPECT_THAT(end.err, StartsWith("cachectl: "));
  EXPECT_FALSE(std::filesystem::exists(directory_ + "/quarantine"));
}

TEST_F(CachectlTest, ConfigurationNamesTheCache) {
  OpenCache();
  ASSERT_OK(cache_->Put("k", "v"));
  CloseCache();
  ProgramEnd end = Plain({"get", "text:k"},
                         {.words = {}, .environment = {{"LARDER__CACHE__DIRECTORY", "cache"}}});
  EXPECT_EQ(end.exit_status, 0) << end.err;
  EXPECT_EQ(end.out, "v");
  std::ofstream(dir_ / "config.json") << R"({"cache": {"directoy": "cache"}})";
  end = Plain({"get", "text:k"});
  EXPECT_EQ(end.exit_status, 2);
  EXPECT_THAT(end.err, StartsWith("cachectl: ./config.json:1: /cache/directoy: unknown key; "
                                  "nearest is \"directory\""));
}

struct Misuse {
  const char* name;
  std::vector<std::string> words;
  const char* message;
};
void PrintTo(const Misuse& misuse, std::ostream* out) { *out << misuse.name; }

class MisuseTest : public CachectlTest, public ::testing::WithParamInterface<Misuse> {};

TEST_P(MisuseTest, IsToldInOneLineWithStatus2) {
  const ProgramEnd end = Plain(GetParam().words);
  EXPECT_EQ(end.exit_status, 2);
  EXPECT_EQ(end.err, std::string("cachectl: ") + GetParam().message + "\n");
  EXPECT_THAT(end.out, IsEmpty());
}

const Misuse kMisuses[] = {
    {"UnknownVerb", {"stat"}, "unknown verb \"stat\"; nearest is \"stats\" (see cachectl help)"},
    {"UnknownSecondWord",
     {"config", "chek"},
     "unknown verb \"config chek\"; nearest is \"config check\" (see cachectl help)"},
    {"UnknownFlag",
     {"get", "text:k", "--fom", "json"},
     "unknown flag \"--fom\" of get; nearest is \"--form\""},
    {"UnknownFlagBeforeTheVerb",
     {"--sokcet", "s", "stats"},
     "unknown flag \"--sokcet\"; nearest is \"--socket\""},
    {"FlagOfAnotherVerb",
     {"stats", "--tag", "x"},
     "unknown flag \"--tag\" of stats; nearest is \"--dir\""},
    {"FlagWithoutItsValue", {"stats", "--dir"}, "--dir needs a value: --dir DIR"},
    {"FlagWithAValueThatItDoesNotTake", {"stats", "--json=1"}, "--json takes no value"},
    {"FlagTwice", {"stats", "--dir", "a", "--dir", "b"}, "--dir is given twice"},
    {"EmptyDirectory",
     {"--dir", "", "invalidate", "--all", "--yes"},
     "--dir needs a value that is not empty"},
    {"EmptySocket", {"stats", "--socket="}, "--socket needs a value that is not empty"},
    {"EmptyConfig", {"stats", "--config", ""}, "--config needs a value that is not empty"},
    {"DirectoryAndSocket",
     {"stats", "--dir", "a", "--socket", "b"},
     "only one of --dir, --socket, --url"},
    {"UrlWithoutToken",
     {"stats", "--url", "http://127.0.0.1:1"},
     "--url: the configuration has no admin.token to send"},
    {"TooFewArguments", {"get"}, "too few arguments; usage: cachectl get KEY"},
    {"TooManyArguments",
     {"get", "text:a", "text:b"},
     "unexpected argument \"text:b\"; usage: cachectl get KEY"},
    {"NotAKey",
     {"get", "abc"},
     "not a key; allowed: 64 hex digits, text:... or b64:..., of 1 to 1024 bytes"},
    {"UnknownForm", {"get", "text:a", "--form", "xml"}, "--form \"xml\"; allowed: json, sse"},
    {"UnknownSort", {"ls", "--sort", "name"}, "--sort \"name\"; allowed: age, size, hits, cost"},
    {"NoLimit", {"ls", "--limit", "0"}, "--limit \"0\" is not a number from 1 on"},
    {"NotAPrefix",
     {"ls", "--prefix", "abc"},
     "--prefix: not the beginning of a key; allowed: an even number of hex digits, text:... or "
     "b64:..., of up to 1024 bytes"},
    {"TouchWithoutALifetime", {"touch", "text:k"}, "how long it is fresh from now on: --ttl D"},
    {"FileThatIsNotThere",
     {"put", "text:k", "--file", "absent"},
     "absent: No such file or directory"},
    {"FormAndRaw", {"get", "text:a", "--raw", "--meta"}, "only one of --meta, --form, --raw"},
    {"NothingToInvalidate",
     {"invalidate"},
     "what to invalidate: one of --tag T, --prefix P, --all"},
    {"TagsAndAll",
     {"invalidate", "--all", "--tag", "x"},
     "what to invalidate: one of --tag T, --prefix P, --all"},
    {"PrefixOfNothing",
     {"invalidate", "--prefix", "text:"},
     "--prefix of no bytes is every entry: --all"},
    {"PrefixThatIsNone",
     {"invalidate", "--prefix", "abc"},
     "--prefix: not the beginning of a key; allowed: an even number of hex digits, text:... or "
     "b64:..., of up to 1024 bytes"},
    {"EmptyTag", {"invalidate", "--tag", ""}, "a tag of 0 bytes; allowed: 1 to 512"},
    {"RequestThatIsNotThere", {"key", "absent.json"}, "absent.json: No such file or directory"},
    {"RequestThatIsNotIJson",
     {"key", "/dev/null"},
     "/dev/null: the request is not an I-JSON object (RFC 7493)"},
    {"UnknownProvider",
     {"key", "/dev/null", "--provider", "openia"},
     "no provider \"openia\"; nearest is \"openai\""},
    {"NoCredential",
     {"key", "/dev/null", "--credential-from-env", "ABSENT"},
     "environment variable ABSENT is not set"},
    {"ConfigThatIsNotThere",
     {"stats", "--config", "absent.json"},
     "absent.json: cannot be read: No such file or directory"},
};

INSTANTIATE_TEST_SUITE_P(Every, MisuseTest, ::testing::ValuesIn(kMisuses),
                         [](const auto& misuse) { return misuse.param.name; });

TEST_F(CachectlTest, HelpListsEveryVerb) {
  const ProgramEnd end = Plain({});
  EXPECT_EQ(end.exit_status, 0);
  for (const char* verb :
       {"stats", "get KEY", "put KEY", "touch KEY", "ls", "rm KEY...", "invalidate",
        "key REQUEST.json", "policy test REQUEST.json", "config check", "config show",
        "config set KEY=VALUE", "config schema", "help", "version"}) {
    EXPECT_THAT(end.out, HasSubstr(std::string("\n  ") + verb));
  }
  EXPECT_THAT(Plain({"invalidate", "--help"}).out, HasSubstr("--dry-run"));
  EXPECT_THAT(Plain({"help", "config"}).out, HasSubstr("cachectl config schema"));
  EXPECT_THAT(Plain({"version"}).out, MatchesRegex("cachectl [0-9.]+\n"));
  EXPECT_EQ(Plain({"--version"}).out, Plain({"version"}).out);
}

TEST_F(CachectlTest, ReaderThatGoesAwayIsNoError) {
  int ends[2];
  ASSERT_EQ(::pipe2(ends, O_CLOEXEC), 0);
  ::close(ends[0]);
  const ProgramEnd end = Plain({"help"}, {.words = {}, .stdout_fd = ends[1]});
  ::close(ends[1]);
  EXPECT_EQ(end.exit_status, 0);
  EXPECT_THAT(end.err, IsEmpty());
}

TEST_F(CachectlTest, OutputThatCannotBeWrittenIsAFailure) {
  const int full = ::open("/dev/full", O_WRONLY | O_CLOEXEC);
  const ProgramEnd end = Plain({"help"}, {.words = {}, .stdout_fd = full});
  ::close(full);
  EXPECT_EQ(end.exit_status, 5);
  EXPECT_EQ(end.err, "cachectl: write to stdout: No space left on device\n");
}

TEST_F(CachectlTest, ColourIsForTerminalsWithoutNoColor) {
  const auto on_terminal = [&](const std::map<std::string, std::string>& environment) {
    int terminal = -1;
    int program = -1;
    EXPECT_EQ(::openpty(&terminal, &program, nullptr, nullptr, nullptr), 0);
    Plain({"help", "version"}, {.words = {}, .environment = environment, .stdout_fd = program});
    char text[4096];
    const ssize_t count = ::read(terminal, text, sizeof(text));
    ::close(terminal);
    ::close(program);
    return std::string(text, count > 0 ? static_cast<std::size_t>(count) : 0);
  };
  EXPECT_THAT(on_terminal({}), HasSubstr("\033[1m"));
  EXPECT_THAT(on_terminal({{"NO_COLOR", "1"}}),
              AllOf(HasSubstr("cachectl version"), Not(HasSubstr("\033"))));
}

}  // namespace
}  // namespace larder::cachectl
