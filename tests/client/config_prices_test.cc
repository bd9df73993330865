// The section prices of config.json.
#include <fstream>
#include <map>
#include <string>

#include "larder/client/config_document.h"
#include "status_matchers.h"
#include "temp_dir.h"

namespace larder::client {
namespace {

using larder::testing::TempDir;
using ::testing::EndsWith;

class ConfigPricesTest : public ::testing::Test {
 protected:
  Result<ConfigDocument> Load(const std::string& text) const {
    const std::string path = dir_ / "config.json";
    std::ofstream(path) << text;
    return ConfigDocument::Load({.file = path, .environment = environment_});
  }

  const TempDir dir_;
  std::map<std::string, std::string> environment_;
};

TEST_F(ConfigPricesTest, APriceMaySayWhatThePromptCacheCosts) {
  environment_["LARDER__PRICES__A__CACHE_WRITE_PER_MILLION"] = "3.75";
  const Result<ConfigDocument> document = Load(R"({
    "prices": { "a": { "input_per_million": 3, "output_per_million": 15,
                       "cached_input_per_million": 0 },
                "b": { "input_per_million": 1, "output_per_million": 2 } } })");
  ASSERT_OK(document);
  EXPECT_THAT(document->Origin("/prices/a/cached_input_per_million"), EndsWith("/config.json:3"));
  EXPECT_EQ(document->Origin("/prices/a/cache_write_per_million"),
            "LARDER__PRICES__A__CACHE_WRITE_PER_MILLION");
  const Result<ClientConfig> config = ReadClientConfig(*document);
  ASSERT_OK(config);
  EXPECT_EQ(config->prices.at("a").cached_input_per_million, 0);
  EXPECT_EQ(config->prices.at("a").cache_write_per_million, 3.75);
  EXPECT_EQ(config->prices.at("b").cached_input_per_million, std::nullopt);
  EXPECT_EQ(config->prices.at("b").cache_write_per_million, std::nullopt);
}

TEST_F(ConfigPricesTest, APriceMayHaveTiersByTheLengthOfTheInput) {
  const Result<ConfigDocument> document = Load(R"({
    "prices": { "a": { "input_per_million": 3, "output_per_million": 15, "tiers": [
      { "over_input_tokens": 200000, "input_per_million": 6, "output_per_million": 22.5 },
      { "over_input_tokens": 400000, "input_per_million": 9, "output_per_million": 30,
        "cached_input_per_million": 1, "cache_write_per_million": 0 } ] } } })");
  ASSERT_OK(document);
  EXPECT_THAT(document->Origin("/prices/a/tiers/1/input_per_million"), EndsWith("/config.json:4"));
  const Result<ClientConfig> config = ReadClientConfig(*document);
  ASSERT_OK(config);
  const std::vector<PriceTier>& tiers = config->prices.at("a").tiers;
  ASSERT_EQ(tiers.size(), 2U);
  EXPECT_EQ(tiers[0].over_input_tokens, 200'000U);
  EXPECT_EQ(tiers[0].output_per_million, 22.5);
  EXPECT_EQ(tiers[0].cached_input_per_million, std::nullopt);
  EXPECT_EQ(tiers[1].input_per_million, 9);
  EXPECT_EQ(tiers[1].cached_input_per_million, 1);
  EXPECT_EQ(tiers[1].cache_write_per_million, 0);
}

TEST_F(ConfigPricesTest, ATierIsWholeAndItsMistakesAreToldAlike) {
  const auto complaint = [&](const std::string& tier) {
    return Load(R"({"prices": {"m": {"input_per_million": 1, "output_per_million": 1,
                                     "tiers": [)" +
                tier + "]}}}")
        .status()
        .message();
  };
  EXPECT_THAT(complaint(R"({"over_input_tokens": 1, "input_per_million": 1})"),
              EndsWith("config.json:2: /prices/m/tiers/0: \"output_per_million\" is missing; "
                       "allowed: a number from 0 to 1000000"));
  EXPECT_THAT(complaint(R"({"over_input_token": 1})"),
              ::testing::HasSubstr("/prices/m/tiers/0/over_input_token: unknown key; nearest is "
                                   "\"over_input_tokens\""));
  EXPECT_THAT(complaint(R"({"over_input_tokens": 0, "input_per_million": 1,
                           "output_per_million": 1})"),
              EndsWith("/prices/m/tiers/0/over_input_tokens: found 0; allowed: a whole number from "
                       "1 to 1000000000"));
}

TEST_F(ConfigPricesTest, MistakesAreToldWithTheNearestNameAndWhatIsAllowed) {
  EXPECT_THAT(Load(R"({"prices": {"m": {"cache_input_per_million": 1}}})").status().message(),
              EndsWith("config.json:1: /prices/m/cache_input_per_million: unknown key; nearest is "
                       "\"cached_input_per_million\"; allowed: \"input_per_million\", "
                       "\"output_per_million\", \"cached_input_per_million\", "
                       "\"cache_write_per_million\", \"tiers\""));
  EXPECT_THAT(Load(R"({"prices": {"m": {"input_per_million": 1, "output_per_million": 1,
                                        "cache_write_per_million": -1}}})")
                  .status()
                  .message(),
              EndsWith("config.json:2: /prices/m/cache_write_per_million: found -1; allowed: a "
                       "number from 0 to 1000000"));
}

}  // namespace
}  // namespace larder::client
