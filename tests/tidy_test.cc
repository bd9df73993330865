// The house rules that a machine can check: who may include what, sizes, names, words.
// docs/hacking.md says why they are as they are. A failure names file, line and rule.
#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <algorithm>
#include <filesystem>
#include <fstream>
#include <functional>
#include <iterator>
#include <regex>
#include <set>
#include <sstream>
#include <string>
#include <vector>

namespace larder::testing {
namespace {

using ::testing::IsEmpty;

const std::filesystem::path kRoot = LARDER_SOURCE_DIR;

struct SourceFile {
  std::string path;  // from the root: "engine/src/record.cc"
  std::vector<std::string> lines;

  bool In(std::string_view folder) const { return path.starts_with(folder); }
  bool IsCode() const { return path.ends_with(".h") || path.ends_with(".cc"); }
  bool IsProduct() const { return In("engine/") || In("client/") || In("tools/"); }
};

std::vector<std::string> Lines(const std::string& text) {
  std::istringstream stream(text);
  std::vector<std::string> lines;
  for (std::string line; std::getline(stream, line);) lines.push_back(line);
  return lines;
}

std::string Read(const std::filesystem::path& path) {
  std::ifstream file(path, std::ios::binary);
  return {std::istreambuf_iterator<char>(file), {}};
}

// All text files of ours: code, CMake, scripts, documents; no recorded data.
const std::vector<SourceFile>& Tree() {
  static const std::vector<SourceFile> tree = [] {
    std::vector<SourceFile> files;
    const auto add = [&](const std::filesystem::path& file) {
      files.push_back({file.lexically_relative(kRoot).string(), Lines(Read(file))});
    };
    for (const char* folder : {".ci", "bench", "client", "cmake", "docs", "engine", "examples",
                               "scripts", "tests", "tools"}) {
      for (const auto& file : std::filesystem::recursive_directory_iterator(kRoot / folder)) {
        const std::string path = file.path().string();
        if (file.is_regular_file() && path.find("/data/") == std::string::npos &&
            path.find("__pycache__") == std::string::npos) {
          add(file.path());
        }
      }
    }
    for (const auto& file : std::filesystem::directory_iterator(kRoot)) {
      const std::string name = file.path().filename().string();
      // In a linked worktree .git is a file that names where the repository is.
      if (file.is_regular_file() && name != "LICENSE" && name != ".git") add(file.path());
    }
    return files;
  }();
  return tree;
}

bool Exists(const std::string& folder, const std::string& include) {
  return std::filesystem::exists(kRoot / folder / include);
}

// The folders whose headers a file may include in quotes.
std::vector<std::string> VisibleFolders(const SourceFile& file) {
  if (file.In("engine/include/")) return {"engine/include"};
  if (file.In("engine/")) return {"engine/include", "engine/src"};
  if (file.In("client/include/")) return {"engine/include", "client/include"};
  if (file.In("client/")) return {"engine/include", "client/include", "client/src"};
  std::vector<std::string> folders = {"engine/include", "client/include"};
  for (const auto& entry : std::filesystem::directory_iterator(kRoot / "tools")) {
    if (!entry.is_directory()) continue;
    folders.push_back("tools/" + entry.path().filename().string());
    folders.push_back(folders.back() + "/include");
  }
  return folders;
}

bool MayIncludeQuoted(const SourceFile& file, const std::string& include) {
  if (include.find("..") != std::string::npos) return false;
  if (!file.IsProduct()) return true;  // tests and bench may use all
  const std::vector<std::string> folders = VisibleFolders(file);
  return std::any_of(folders.begin(), folders.end(),
                     [&](const std::string& folder) { return Exists(folder, include); });
}

bool IsStandardHeader(const std::string& include) {
  return include.find_first_of("./") == std::string::npos;
}

bool StartsWithAny(const std::string& text, const std::vector<std::string>& prefixes) {
  return std::any_of(prefixes.begin(), prefixes.end(),
                     [&](const std::string& prefix) { return text.starts_with(prefix); });
}

bool MayIncludeAngled(const SourceFile& file, const std::string& include) {
  if (IsStandardHeader(include)) return true;
  // For C as well.
  if (file.path == "engine/include/larder/larder.h") return include.starts_with("std");
  if (file.In("client/include/larder/client/asio/")) return include.starts_with("boost/asio");
  if (file.In("engine/include/") || file.In("client/include/")) return false;
  if (file.In("engine/")) {
    return !StartsWithAny(include, {"nlohmann", "httplib", "curl", "boost", "openssl", "larder/"});
  }
  if (!file.IsProduct()) return !include.starts_with("larder/");
  return !StartsWithAny(include, {"rocksdb", "gtest", "gmock", "larder/"});
}

using Violations = std::vector<std::string>;

Violations BadIncludes(const SourceFile& file) {
  static const std::regex kInclude(R"re(^\s*#\s*include\s*([<"])([^>"]+)[>"])re");
  Violations found;
  for (std::size_t i = 0; file.IsCode() && i < file.lines.size(); ++i) {
    std::smatch match;
    if (!std::regex_search(file.lines[i], match, kInclude)) continue;
    const bool allowed =
        match[1] == "\"" ? MayIncludeQuoted(file, match[2]) : MayIncludeAngled(file, match[2]);
    if (!allowed) {
      found.push_back(file.path + ":" + std::to_string(i + 1) + ": may not include " +
                      match[2].str());
    }
  }
  return found;
}

Violations TooLong(const SourceFile& file) {
  constexpr std::size_t kMostLines = 500;
  if (!file.IsCode() || file.lines.size() <= kMostLines) return {};
  return {file.path + ": " + std::to_string(file.lines.size()) + " lines, at most 500"};
}

Violations BadNames(const SourceFile& file) {
  if (!file.IsCode()) return {};
  static const std::regex kSnakeCase("[a-z0-9]+(_[a-z0-9]+)*");
  static const std::regex kSaysNothing("(^|_)(utils?|common|helpers?|managers?|misc)(_|$)");
  const std::string stem = std::filesystem::path(file.path).stem().string();
  if (!std::regex_match(stem, kSnakeCase)) return {file.path + ": not snake_case"};
  if (std::regex_search(stem, kSaysNothing)) return {file.path + ": the name says nothing"};
  return {};
}

Violations BadWords(const SourceFile& file) {
  // Put together here so that this file does not break its own rule.
  static const std::regex kUnfinished(
      "\\b(TO"
      "DO|FIX"
      "ME|XX"
      "X|HA"
      "CK)\\b(?!\\(#[0-9]+\\))");
  static const std::regex kMachinePath(
      "/(wor"
      "k|roo"
      "t|home/[a-z]+)/");
  static const std::regex kTestHook(
      "FRIEND"
      "_TEST|DISABLED"
      "_|GTEST"
      "_SKIP(?!.*\\(#[0-9]+\\))");
  Violations found;
  for (std::size_t i = 0; i < file.lines.size(); ++i) {
    for (const std::regex* bad : {&kUnfinished, &kMachinePath, &kTestHook}) {
      std::smatch match;
      if (std::regex_search(file.lines[i], match, *bad)) {
        found.push_back(file.path + ":" + std::to_string(i + 1) + ": " + match[0].str());
      }
    }
  }
  return found;
}

Violations NoPragmaOnce(const SourceFile& file) {
  if (!file.path.ends_with(".h")) return {};
  const bool has =
      std::find(file.lines.begin(), file.lines.end(), "#pragma once") != file.lines.end();
  return has ? Violations{} : Violations{file.path + ": no #pragma once"};
}

// Only the programs look at their command line.
Violations ReadsArguments(const SourceFile& file) {
  if (!file.In("engine/") && !file.In("client/")) return {};
  Violations found;
  for (std::size_t i = 0; i < file.lines.size(); ++i) {
    if (file.lines[i].find("argv") != std::string::npos) {
      found.push_back(file.path + ":" + std::to_string(i + 1) + ": reads the command line");
    }
  }
  return found;
}

// Of RocksDB 7.8: known to bring deleted rows back, to open with false errors, or to trip
// assertions (docs/operations.md).
Violations UsesWhatFails(const SourceFile& file) {
  if (!file.In("engine/src/")) return {};
  static const std::regex kFails(
      "DeleteFilesInRange|kRemoveAndSkipUntil|RepairDB|OpenForReadOnly|OpenAsSecondary|->Resume\\(|"
      "SetMaxAllowedSpaceUsage|TransactionDB|NewGenericRateLimiter|wal_compression|"
      "recycle_log_file_num|track_and_verify_wals");
  Violations found;
  for (std::size_t i = 0; i < file.lines.size(); ++i) {
    std::smatch match;
    if (std::regex_search(file.lines[i], match, kFails)) {
      found.push_back(file.path + ":" + std::to_string(i + 1) + ": " + match[0].str());
    }
  }
  return found;
}

// A source that no CMakeLists.txt names is built by nobody.
Violations NotBuilt(const SourceFile& file) {
  if (!file.path.ends_with(".cc")) return {};
  const std::filesystem::path source = kRoot / file.path;
  for (auto folder = source.parent_path(); folder != kRoot.parent_path();
       folder = folder.parent_path()) {
    const std::string name = source.lexically_relative(folder).string();
    std::istringstream words(Read(folder / "CMakeLists.txt"));
    for (std::string word; words >> word;) {
      std::erase_if(word, [](char c) { return c == '(' || c == ')'; });
      if (word == name) return {};
    }
  }
  return {file.path + ": in no CMakeLists.txt"};
}

Violations InTree(const std::function<Violations(const SourceFile&)>& rule) {
  Violations all;
  for (const SourceFile& file : Tree()) {
    const Violations found = rule(file);
    all.insert(all.end(), found.begin(), found.end());
  }
  return all;
}

TEST(TidyTest, LayersIncludeOnlyWhatTheyMay) { EXPECT_THAT(InTree(BadIncludes), IsEmpty()); }
TEST(TidyTest, NoFileIsTooLong) { EXPECT_THAT(InTree(TooLong), IsEmpty()); }
TEST(TidyTest, FileNamesSayWhatIsInThem) { EXPECT_THAT(InTree(BadNames), IsEmpty()); }
TEST(TidyTest, NothingIsLeftUnfinishedAndNoMachineIsNamed) {
  EXPECT_THAT(InTree(BadWords), IsEmpty());
}
TEST(TidyTest, HeadersAreIncludedOnce) { EXPECT_THAT(InTree(NoPragmaOnce), IsEmpty()); }
TEST(TidyTest, OnlyProgramsReadTheCommandLine) { EXPECT_THAT(InTree(ReadsArguments), IsEmpty()); }
TEST(TidyTest, EngineUsesNothingOfRocksDbThatIsKnownToFail) {
  EXPECT_THAT(InTree(UsesWhatFails), IsEmpty());
}
TEST(TidyTest, EverySourceIsBuilt) { EXPECT_THAT(InTree(NotBuilt), IsEmpty()); }

// The rules bite: each of these is a file that breaks one of them.
TEST(TidyRulesTest, ALayerThatReachesUpOrSidewaysIsFound) {
  const auto breaks = [](std::string path, std::string line) {
    return !BadIncludes({std::move(path), {std::move(line)}}).empty();
  };
  EXPECT_TRUE(breaks("engine/include/larder/x.h", "#include <rocksdb/db.h>"));
  EXPECT_TRUE(breaks("engine/src/x.cc", "#include <nlohmann/json.hpp>"));
  EXPECT_TRUE(breaks("engine/src/x.cc", "#include \"larder/client/message.h\""));
  EXPECT_TRUE(breaks("client/src/x.cc", "#include <rocksdb/db.h>"));
  EXPECT_TRUE(breaks("client/src/x.cc", "#include \"ledger.h\""));
  EXPECT_TRUE(breaks("client/include/larder/client/x.h", "#include <boost/asio.hpp>"));
  EXPECT_TRUE(breaks("tools/larderd/x.cc", "#include \"event_stream.h\""));
  EXPECT_TRUE(breaks("tests/engine/x.cc", "#include \"../support/recorded.h\""));
  EXPECT_FALSE(breaks("engine/src/x.cc", "#include <rocksdb/db.h>"));
  EXPECT_FALSE(breaks("client/include/larder/client/asio/x.h", "#include <boost/asio.hpp>"));
  EXPECT_FALSE(breaks("tools/larderd/x.cc", "#include \"larder/cache.h\""));
}

TEST(TidyRulesTest, AFileOfMoreThan500LinesIsFound) {
  EXPECT_THAT(TooLong({"engine/src/x.cc", std::vector<std::string>(500)}), IsEmpty());
  EXPECT_FALSE(TooLong({"engine/src/x.cc", std::vector<std::string>(501)}).empty());
}

TEST(TidyRulesTest, ANameThatSaysNothingIsFound) {
  EXPECT_FALSE(BadNames({"client/src/string_utils.h", {}}).empty());
  EXPECT_FALSE(BadNames({"client/src/CamelCase.h", {}}).empty());
  EXPECT_THAT(BadNames({"client/src/request_key.h", {}}), IsEmpty());
}

TEST(TidyRulesTest, AnUnfinishedLineIsFoundUnlessItNamesAnIssue) {
  const std::string word = std::string("TO") + "DO";
  EXPECT_FALSE(BadWords({"engine/src/x.cc", {"// " + word + ": later"}}).empty());
  EXPECT_THAT(BadWords({"engine/src/x.cc", {"// " + word + "(#12): later"}}), IsEmpty());
}

TEST(TidyRulesTest, AFeatureOfRocksDbThatFailsIsFound) {
  EXPECT_FALSE(
      UsesWhatFails({"engine/src/x.cc", {"  rocksdb::DeleteFilesInRange(db, 0);"}}).empty());
  EXPECT_FALSE(UsesWhatFails({"engine/src/x.cc", {"  db->Resume();"}}).empty());
  EXPECT_TRUE(UsesWhatFails({"tests/engine/x.cc", {"wal_compression"}}).empty());
}

TEST(TidyRulesTest, ASourceThatNobodyBuildsIsFound) {
  EXPECT_FALSE(NotBuilt({"engine/src/no_such_file.cc", {}}).empty());
  EXPECT_THAT(NotBuilt({"engine/src/ledger.cc", {}}), IsEmpty());
}

}  // namespace
}  // namespace larder::testing
