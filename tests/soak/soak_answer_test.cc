// Every byte of an answer counts, in each form.
#include "soak_answer.h"

#include <gtest/gtest.h>

namespace larder::testing {
namespace {

class SoakAnswerTest : public ::testing::TestWithParam<SoakDialect> {
 protected:
  SoakForm Form(bool stream, bool usage = true) const { return {GetParam(), stream, usage}; }
  const SoakAuthor author_{7, "someone's", "plain"};
};

TEST_P(SoakAnswerTest, SentBytesAreRightAndAnyOtherByteIsWrong) {
  for (const bool stream : {false, true}) {
    std::string body = MakeSoakAnswer(Form(stream), author_);
    EXPECT_EQ(WrongWithAnswer(Form(stream), Form(stream), author_, body, true), "");
    EXPECT_EQ(WrongWithAnswer(Form(stream), Form(stream), author_, body, false), "");
    for (std::size_t i = 0; i < body.size(); ++i) {
      body[i] ^= 1;
      EXPECT_NE(WrongWithAnswer(Form(stream), Form(stream), author_, body, true), "") << i;
      body[i] ^= 1;
    }
  }
}

TEST_P(SoakAnswerTest, OtherFormIsRightWhateverItsPiecesAndWrongWithAnotherText) {
  // A stream told by somebody else tells the same, and so does its JSON.
  const std::string json = MakeSoakAnswer(Form(false), author_);
  const std::string stream = MakeSoakAnswer(Form(true), author_);
  EXPECT_EQ(WrongWithAnswer(Form(true), Form(false), author_, json, false), "");
  EXPECT_EQ(WrongWithAnswer(Form(false), Form(true), author_, stream, false), "");
  const SoakAuthor other{8, "someone's", "plain"};
  EXPECT_NE(WrongWithAnswer(Form(true), Form(false), other, json, false), "");
  EXPECT_NE(WrongWithAnswer(Form(false), Form(true), other, stream, false), "");
}

TEST_P(SoakAnswerTest, CutOrRepeatedStreamIsWrong) {
  const std::string stream = MakeSoakAnswer(Form(true), author_);
  const std::size_t last = stream.rfind("data: ");
  for (const std::string& body :
       {stream.substr(0, last), stream.substr(0, stream.size() - 2), stream + stream, std::string(),
        "data: {}\n\n" + stream, "data: []\n\n" + stream}) {
    EXPECT_NE(WrongWithAnswer(Form(true), Form(true), author_, body, false), "");
    EXPECT_NE(WrongWithAnswer(Form(false), Form(true), author_, body, false), "");
  }
  EXPECT_EQ(WrongWithAnswer(Form(true), Form(true), author_, ": wait\n\n" + stream, false), "")
      << "comments are nothing";
}

INSTANTIATE_TEST_SUITE_P(Dialects, SoakAnswerTest,
                         ::testing::Values(SoakDialect::kChat, SoakDialect::kMessages));

TEST(SoakChatTest, UsageIsThereAsAskedForAndOnlyThen) {
  const SoakAuthor author{7, "someone's", "plain"};
  const SoakForm with{SoakDialect::kChat, true, true};
  const SoakForm without{SoakDialect::kChat, true, false};
  for (const SoakForm& sent : {SoakForm{SoakDialect::kChat, false, true}, with}) {
    EXPECT_EQ(WrongWithAnswer(sent, without, author, MakeSoakAnswer(without, author), false), "");
    EXPECT_NE(WrongWithAnswer(sent, without, author, MakeSoakAnswer(with, author), false), "");
    EXPECT_NE(WrongWithAnswer(sent, with, author, MakeSoakAnswer(without, author), false), "");
  }
}

}  // namespace
}  // namespace larder::testing
