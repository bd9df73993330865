// cachectl completion: what bash offers, asked of bash itself; what the others are told.
#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <string>

#include "run_program.h"

namespace larder::testing {
namespace {

using ::testing::HasSubstr;

ProgramEnd Completion(const std::string& shell) {
  return RunProgram({.words = {CACHECTL_PROGRAM, "completion", shell}});
}

// What bash offers for the last of `words`, which may be empty.
std::string Offered(const std::string& words) {
  const std::string script = Completion("bash").out + "COMP_WORDS=(" + words +
                             ")\nCOMP_CWORD=$((${#COMP_WORDS[@]}-1))\n_cachectl\n"
                             "echo \"${COMPREPLY[@]}\"\n";
  const ProgramEnd end = RunProgram({.words = {"/bin/bash", "-c", script}});
  EXPECT_EQ(end.exit_status, 0) << end.err;
  EXPECT_EQ(end.err, "");
  return end.out;
}

TEST(CachectlCompletionTest, BashOffersVerbsTheirFamiliesAndTheirFlags) {
  EXPECT_EQ(Offered("cachectl compl"), "completion\n");
  EXPECT_EQ(Offered("cachectl --json config s"), "show set schema\n");
  EXPECT_EQ(Offered("cachectl ls --so"), "--sort --socket\n");
  EXPECT_EQ(Offered("cachectl dict ls --so"), "--socket\n") << "another ls";
  EXPECT_THAT(Offered("cachectl ''"), HasSubstr("stats top monitor "));
}

TEST(CachectlCompletionTest, OtherShellsAreToldEveryVerbAndItsHelp) {
  const std::string help = RunProgram({.words = {CACHECTL_PROGRAM, "help"}}).out;
  const std::string zsh = Completion("zsh").out;
  const std::string fish = Completion("fish").out;
  for (const char* verb : {"stats", "monitor", "warm", "completion", "version"}) {
    EXPECT_THAT(help, HasSubstr(std::string("  ") + verb));
    EXPECT_THAT(zsh, HasSubstr(std::string("'") + verb + ":"));
    EXPECT_THAT(fish, HasSubstr(std::string(" -a ") + verb + " -d '"));
  }
  EXPECT_THAT(zsh, HasSubstr(R"(configuration'\''s file)")) << "quotes are written as each does";
  EXPECT_THAT(fish, HasSubstr(R"(configuration\'s file)"));
}

TEST(CachectlCompletionTest, AnotherShellIsWrongUsage) {
  const ProgramEnd end = Completion("tcsh");
  EXPECT_EQ(end.exit_status, 2);
  EXPECT_THAT(end.err, HasSubstr("allowed: bash, zsh, fish"));
}

}  // namespace
}  // namespace larder::testing
