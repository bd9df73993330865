// CachectlTest: the real cachectl, run on a cache that this process holds and serves, or that
// nobody holds.
#pragma once

#include <gmock/gmock.h>

#include <fstream>
#include <memory>
#include <string>
#include <vector>

#include "larder/admin/admin_server.h"
#include "larder/cache.h"
#include "run_program.h"
#include "status_matchers.h"
#include "stored_response.h"
#include "temp_dir.h"

namespace larder::cachectl {

using larder::testing::ProgramEnd;
using larder::testing::ProgramRun;
using larder::testing::RunProgram;
using larder::testing::TempDir;

inline constexpr const char* kConfig = R"({
  "providers": { "openai": { "base_url": "http://h", "key_headers": ["x-tenant"] },
                 "other": { "base_url": "http://other" } },
  "gateway": { "default_provider": { "openai": "openai" } } })";

inline constexpr const char* kAnswer =
    R"({"id":"c","object":"chat.completion","created":1,"model":"m","choices":[{"index":0,)"
    R"("message":{"role":"assistant","content":"Good day"},"finish_reason":"stop"}],)"
    R"("usage":{"prompt_tokens":1,"completion_tokens":2,"total_tokens":3}})";

class CachectlTest : public ::testing::Test {
 protected:
  void SetUp() override { std::ofstream(dir_ / "config.json") << kConfig; }

  void OpenCache() {
    Result<std::unique_ptr<Cache>> cache = Cache::Open({.directory = directory_});
    ASSERT_OK(cache);
    cache_ = *std::move(cache);
  }
  void Serve() {
    auto server = admin::AdminServer::Start(*cache_, {.socket = directory_ + "/admin.sock"});
    ASSERT_OK(server);
    server_ = *std::move(server);
  }
  void CloseCache() {
    server_.reset();
    cache_.reset();
  }

  // `cachectl ARGUMENTS` in the test's directory, without --dir.
  ProgramEnd Plain(std::vector<std::string> arguments, ProgramRun run = {.words = {}}) const {
    arguments.insert(arguments.begin(), CACHECTL_PROGRAM);
    run.words = std::move(arguments);
    run.directory = dir_.path();
    return RunProgram(run);
  }
  // `cachectl --dir DIR ARGUMENTS`.
  ProgramEnd Run(std::vector<std::string> arguments, ProgramRun run = {.words = {}}) const {
    arguments.insert(arguments.begin(), {"--dir", directory_});
    return Plain(std::move(arguments), std::move(run));
  }

  TempDir dir_;
  std::string directory_ = dir_ / "cache";
  std::unique_ptr<Cache> cache_;
  std::unique_ptr<admin::AdminServer> server_;
};

enum class Held { kByTheTest, kByNobody };

// What must not depend on how the cache is reached.
class ReachedCacheTest : public CachectlTest, public ::testing::WithParamInterface<Held> {
 protected:
  void SetUp() override {
    CachectlTest::SetUp();
    OpenCache();
    client::StoredResponse stored;
    stored.endpoint = client::FindEndpoint("openai.chat");
    stored.headers = {{"content-type", "application/json"}};
    stored.model = "m";
    ASSERT_OK(cache_->Put("plain", std::string("a\0\xff", 3), {.tags = {"x"}}));
    ASSERT_OK(cache_->Put("answer", kAnswer,
                          {.tags = {"y"}, .metadata = client::EncodeStoredResponse(stored)}));
    secret_ = cache_->StoreSecret();
    if (GetParam() == Held::kByTheTest) Serve();
    if (GetParam() == Held::kByNobody) CloseCache();
  }
  bool Has(const std::string& key) { return Run({"get", "text:" + key}).exit_status == 0; }

  std::string secret_;
};

inline const auto kEveryWay = ::testing::Values(Held::kByTheTest, Held::kByNobody);

inline std::string HeldName(const ::testing::TestParamInfo<Held>& held) {
  return held.param == Held::kByTheTest ? "OverTheSocket" : "Directly";
}

}  // namespace larder::cachectl
