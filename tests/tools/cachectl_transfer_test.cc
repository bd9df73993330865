// export and import, as people run them.
#include <fcntl.h>
#include <unistd.h>

#include <filesystem>
#include <iterator>
#include <nlohmann/json.hpp>

#include "cachectl_fixture.h"

namespace larder::cachectl {
namespace {

using nlohmann::json;
using ::testing::AllOf;
using ::testing::HasSubstr;
using ::testing::Not;

std::string ReadFile(const std::string& name) {
  std::ifstream file(name, std::ios::binary);
  return {std::istreambuf_iterator<char>(file), {}};
}

std::vector<std::string> Lines(const std::string& text) {
  std::vector<std::string> lines;
  std::istringstream stream(text);
  for (std::string line; std::getline(stream, line);) lines.push_back(line);
  return lines;
}

std::string Joined(const std::vector<std::string>& lines) {
  std::string text;
  for (const std::string& line : lines) text += line + '\n';
  return text;
}

class CachectlTransferTest : public ReachedCacheTest {
 protected:
  std::string Export() {
    const ProgramEnd end = Run({"export"});
    EXPECT_EQ(end.exit_status, 0) << end.err;
    return end.out;
  }
  ProgramEnd Import(const std::string& text) {
    return Run({"import"}, {.words = {}, .input = text});
  }
  json Meta(const std::string& key) {
    json meta = json::parse(Run({"get", key, "--meta", "--json"}).out);
    for (const char* changing : {"age_ms", "ttl_ms", "expires_in_ms", "number", "stored_bytes"}) {
      meta.erase(changing);
    }
    return meta;
  }
  // A second cache, empty, that nobody holds.
  std::string Other() {
    const std::string other = dir_ / "other";
    EXPECT_OK(Cache::Open({.directory = other}));
    return other;
  }
};

INSTANTIATE_TEST_SUITE_P(Every, CachectlTransferTest, kEveryWay, HeldName);

TEST_P(CachectlTransferTest, ExportIsJsonLinesWithAHeaderAndACountAtTheEnd) {
  const std::vector<std::string> lines = Lines(Export());
  ASSERT_EQ(lines.size(), 4U);
  EXPECT_EQ(json::parse(lines[0])["larder_export"], 1);
  const json answer = json::parse(lines[1]);
  EXPECT_EQ(answer["key"], "text:answer");
  EXPECT_EQ(answer["body"], kAnswer) << "text stays text";
  EXPECT_EQ(answer["tags"], json({"y"}));
  EXPECT_GT(answer["expires_unix_ms"], answer["created_unix_ms"]);
  const json plain = json::parse(lines[2]);
  EXPECT_EQ(plain["body_base64"], "YQD_") << "what is not UTF-8";
  EXPECT_EQ(json::parse(lines[3]), json({{"end", true}, {"entries", 2}}));
}

TEST_P(CachectlTransferTest, EntriesArriveWithAllThatIsKnownOfThem) {
  Run({"put", "text:tagged", "--tag", "b c", "--cost", "42", "--ttl", "never"},
      {.words = {}, .input = std::string("\x01\x02\x03", 3)});
  const ProgramEnd exported = Run({"export", "all.jsonl"});
  EXPECT_EQ(exported.exit_status, 0) << exported.err;
  EXPECT_THAT(exported.out, AllOf(HasSubstr("exported 3 entries"), HasSubstr("to all.jsonl")));
  EXPECT_EQ(std::filesystem::status(dir_ / "all.jsonl").permissions(),
            std::filesystem::perms(0600));
  const json before = Meta("text:tagged");
  const json answer_before = Meta("text:answer");

  const std::string other = Other();
  ProgramEnd end = Plain({"--dir", other, "import", "all.jsonl"});
  EXPECT_EQ(end.exit_status, 0) << end.err;
  EXPECT_EQ(end.out, "imported 3 entries\n");
  directory_ = other;
  EXPECT_EQ(Meta("text:tagged"), before);
  EXPECT_EQ(Meta("text:answer"), answer_before);
  EXPECT_EQ(Run({"get", "text:tagged"}).out, std::string("\x01\x02\x03", 3));
  EXPECT_EQ(Run({"get", "text:plain"}).out, std::string("a\0\xff", 3));
  EXPECT_THAT(Run({"get", "text:answer", "--form", "sse"}).out, HasSubstr("data: [DONE]"));

  end = Plain({"--dir", other, "import", "all.jsonl", "--json"});
  EXPECT_EQ(
      json::parse(end.out),
      json({{"stored", 0}, {"expired", 0}, {"superseded", 3}, {"invalidated", 0}, {"refused", 0}}));
}

TEST_P(CachectlTransferTest, ImportDoesNotBringBackWhatWasInvalidatedSince) {
  const std::string old = Export();
  EXPECT_EQ(Run({"invalidate", "--tag", "x"}).exit_status, 0);
  ProgramEnd end = Import(old);
  EXPECT_EQ(end.exit_status, 0) << end.err;
  EXPECT_EQ(end.out, "imported 0 entries; 1 already here as new; 1 invalidated here since\n");
  EXPECT_FALSE(Has("plain"));
  EXPECT_TRUE(Has("answer"));
  EXPECT_EQ(Run({"invalidate", "--all", "--yes"}).exit_status, 0);
  EXPECT_EQ(Import(old).out, "imported 0 entries; 2 invalidated here since\n");
  EXPECT_FALSE(Has("answer"));
}

TEST_P(CachectlTransferTest, RemovedEntryIsWrittenAnew) {
  const std::string old = Export();
  EXPECT_EQ(Run({"rm", "text:plain"}).exit_status, 0);
  EXPECT_EQ(Import(old).out, "imported 1 entry; 1 already here as new\n");
  EXPECT_TRUE(Has("plain"));
}

TEST_P(CachectlTransferTest, DamageInTheMiddleIsFoundAndNamed) {
  std::vector<std::string> lines = Lines(Export());
  const std::string sound = Joined(lines);
  Run({"rm", "text:plain", "text:answer"});
  const auto expect_damage = [&](const std::vector<std::string>& damaged, const char* why) {
    const ProgramEnd end = Import(Joined(damaged));
    EXPECT_EQ(end.exit_status, 4) << why;
    EXPECT_THAT(end.err, HasSubstr(why));
    EXPECT_THAT(end.err, Not(HasSubstr("Good day"))) << "never a body";
  };
  std::vector<std::string> flipped = lines;
  flipped[1].replace(flipped[1].find("Good day"), 4, "Evil");
  expect_damage(flipped, "stdin: line 2: its checksum does not match");
  EXPECT_FALSE(Has("answer"));
  std::vector<std::string> cut = lines;
  cut[2].resize(cut[2].size() / 2);
  expect_damage(cut, "stdin: line 3: ");
  expect_damage({lines[0], lines[1], lines[3]}, "line 3: entries are missing");
  expect_damage({lines[0], lines[1], lines[2]}, "line 3: the export ends before its end");
  EXPECT_TRUE(Has("plain")) << "what came whole before it is stored";
  expect_damage({lines[0], "{}", lines[2], lines[3]}, "line 2: neither an entry nor the end");
  expect_damage({lines[0], lines[1], lines[2], lines[3], lines[1]}, "line 5: there is something");
  EXPECT_EQ(Import(sound + sound).exit_status, 0) << "exports may stand one after the other";
}

TEST_P(CachectlTransferTest, WhatIsNotAnExportIsRefused) {
  std::ofstream(dir_ / "text") << "no export\n";
  ProgramEnd end = Run({"import", "text"});
  EXPECT_EQ(end.exit_status, 2);
  EXPECT_EQ(end.err, "cachectl: text: not an export: its first line is not of one\n");
  EXPECT_EQ(Import("").exit_status, 2);
  end = Import("{\"larder_export\":99}\n");
  EXPECT_EQ(end.exit_status, 2);
  EXPECT_THAT(end.err, HasSubstr("of another version"));
  end = Run({"import", "absent"});
  EXPECT_EQ(end.exit_status, 2);
  EXPECT_EQ(end.err, "cachectl: absent: No such file or directory\n");
  EXPECT_EQ(Run({"import", dir_.path()}).exit_status, 2) << "a folder";
}

TEST_P(CachectlTransferTest, FullVolumeFailsTheExportAndLeavesTheOldOne) {
  const int full = ::open("/dev/full", O_WRONLY);
  ProgramEnd end = Run({"export"}, {.words = {}, .stdout_fd = full});
  ::close(full);
  EXPECT_EQ(end.exit_status, 5);
  EXPECT_THAT(end.err, HasSubstr("No space left"));
  end = Run({"export", "/dev/full"});
  EXPECT_EQ(end.exit_status, 5);
  EXPECT_THAT(end.err, HasSubstr("/dev/full: No space left"));

  std::ofstream(dir_ / "kept") << "old";
  std::filesystem::create_directory(dir_ / "kept.new");  // so that it cannot be written
  EXPECT_EQ(Run({"export", "kept"}).exit_status, 2);
  EXPECT_EQ(ReadFile(dir_ / "kept"), "old");
  EXPECT_EQ(Run({"export", "no/such/folder"}).exit_status, 2);
}

TEST_P(CachectlTransferTest, LargeValueTravelsInBothDirections) {
  std::string value(5'000'000, '\0');
  for (std::size_t i = 0; i < value.size(); ++i)
    value[i] = static_cast<char>(i * 2654435761U >> 13);
  Run({"put", "text:large"}, {.words = {}, .input = value});
  const std::string exported = Export();
  Run({"rm", "text:large"});
  const ProgramEnd end = Import(exported);
  EXPECT_EQ(end.exit_status, 0) << end.err;
  EXPECT_EQ(Run({"get", "text:large"}).out, value);
}

// More than a page, more than a request.
TEST_P(CachectlTransferTest, ManyEntriesArriveWhole) {
  CloseCache();
  OpenCache();
  for (int i = 0; i < 1'500; ++i) {
    const std::string number = std::to_string(i);
    ASSERT_OK(cache_->Put("many/" + number, number + std::string(2'000, 'v')));
  }
  if (GetParam() == Held::kByTheTest) Serve();
  if (GetParam() == Held::kByNobody) CloseCache();
  const std::string exported = Export();
  EXPECT_EQ(Lines(exported).size(), 1'504U);
  const std::string other = Other();
  const ProgramEnd end = Plain({"--dir", other, "import", "-"}, {.words = {}, .input = exported});
  EXPECT_EQ(end.out, "imported 1,502 entries\n") << end.err;
}

}  // namespace
}  // namespace larder::cachectl
