#include "soak_caller.h"

#include <nlohmann/json.hpp>
#include <stdexcept>
#include <thread>
#include <utility>
#include <vector>

#include "rough_caller.h"

namespace larder::testing {
namespace {

using Json = nlohmann::json;
using std::chrono_literals::operator""ms;

constexpr std::uint64_t kTenants = 4;
constexpr std::uint64_t kPopularPrompts = 40;
// From here on prompts are asked for once.
std::atomic<std::uint32_t> next_new_prompt = 1'000'000;

// "t3": of the tenant's, where the dialect puts it.
std::string Credential(const SoakIdentity& identity) {
  const char* field =
      identity.dialect == SoakDialect::kChat ? "authorization: Bearer " : "x-api-key: ";
  return field + identity.Credential() + "\r\n";
}

std::string NameSpace(const SoakIdentity& identity) {
  if (identity.name_space == 0) return "";
  return "larder-namespace: space-" + std::to_string(identity.name_space) + "\r\n";
}

std::string Framed(const std::string& head, const std::string& body) {
  return head + "host: gateway\r\ncontent-type: application/json\r\ncontent-length: " +
         std::to_string(body.size()) + "\r\n\r\n" + body;
}

// Members that are no part of the key among those that are.
std::string Body(const SoakCall& call, std::uint64_t number) {
  const bool chat = call.identity.dialect == SoakDialect::kChat;
  Json body = {{"model", call.identity.ModelName()},
               {"messages", {{{"role", "user"}, {"content", call.identity.PromptText()}}}}};
  if (call.form.stream) body["stream"] = true;
  if (call.form.stream && chat && call.form.usage) body["stream_options"]["include_usage"] = true;
  if (chat) body["user"] = "user " + std::to_string(number % 7);
  if (!chat) body["max_tokens"] = 1000;
  return body.dump();
}

}  // namespace

SoakIdentity SoakCaller::InventIdentity() {
  SoakIdentity identity;
  identity.dialect = OneIn(3) ? SoakDialect::kMessages : SoakDialect::kChat;
  identity.tenant = static_cast<std::uint8_t>(Random(kTenants));
  identity.name_space = static_cast<std::uint8_t>(OneIn(8) ? 1 + Random(2) : 0);
  identity.sample = static_cast<std::uint8_t>(OneIn(20) ? 1 : 0);
  // The same of a prompt always, so that popular ones are met.
  const std::uint64_t prompt = std::min(Random(kPopularPrompts), Random(kPopularPrompts));
  identity.prompt = OneIn(6) ? next_new_prompt++ : static_cast<std::uint32_t>(prompt);
  identity.model = static_cast<std::uint8_t>(identity.prompt % std::size(kSoakModels));
  return identity;
}

SoakCall SoakCaller::Invent() {
  SoakCall call;
  call.identity = InventIdentity();
  call.form.dialect = call.identity.dialect;
  call.form.stream = OneIn(2);
  call.form.usage = !call.form.stream || call.form.dialect == SoakDialect::kMessages || OneIn(2);
  call.no_store = OneIn(40);
  call.no_cache = OneIn(40);
  call.only_if_cached = !call.no_store && !call.no_cache && OneIn(40);
  if (OneIn(30)) call.max_age_seconds = static_cast<std::uint16_t>(1 + Random(5));
  if (OneIn(10)) call.ttl_seconds = static_cast<std::uint16_t>(Random(6));
  if (OneIn(3)) call.tags = static_cast<std::uint8_t>(Random(1 << kSoakTags));
  return call;
}

std::string SoakCaller::Directives(const SoakCall& call) {
  std::string fields = NameSpace(call.identity);
  std::string control;
  if (call.no_store) control += ", no-store";
  if (call.no_cache) control += ", no-cache";
  if (call.only_if_cached) control += ", only-if-cached";
  if (call.max_age_seconds) control += ", max-age=" + std::to_string(*call.max_age_seconds);
  if (!control.empty()) fields += "cache-control: " + control.substr(2) + "\r\n";
  if (call.ttl_seconds) fields += "larder-ttl: " + std::to_string(*call.ttl_seconds) + "\r\n";
  if (call.identity.sample != 0) {
    fields += "larder-sample: " + std::to_string(call.identity.sample) + "\r\n";
  }
  std::string tags;
  for (int tag = 0; tag < kSoakTags; ++tag) {
    if ((call.tags >> tag & 1) != 0) tags += ", tag-" + std::to_string(tag);
  }
  if (!tags.empty()) fields += "larder-tags: " + tags.substr(2) + "\r\n";
  return fields;
}

std::string SoakCaller::Text(std::uint64_t number, const SoakCall& call) {
  const bool chat = call.identity.dialect == SoakDialect::kChat;
  std::string head = chat ? "POST /v1/chat/completions HTTP/1.1\r\n"
                          : "POST /v1/messages HTTP/1.1\r\nanthropic-version: 2023-06-01\r\n";
  head += std::string(kSoakCallField) + ": " + std::to_string(number) + "\r\n";
  return Framed(head + Credential(call.identity) + Directives(call), Body(call, number));
}

SoakRequest SoakCaller::Announce(const char* how) {
  SoakCall call = Invent();
  call.how = how;
  return Announce(call);
}

SoakRequest SoakCaller::Announce(const SoakCall& call) {
  const std::uint64_t number = world_.oracle.Asking(call);
  return {number, Text(number, call)};
}

std::optional<WireClient> SoakCaller::Connect(int receive_buffer) {
  try {
    return WireClient(world_.gateway.url(), receive_buffer);
  } catch (const std::exception&) {
    return std::nullopt;
  }
}

void SoakCaller::Step() {
  if (OneIn(60)) return Invalidate();
  if (OneIn(20)) return BeRough(*this);
  Ask();
}

void SoakCaller::Ask() {
  const int life = world_.gateway.life();
  if (life != life_ || OneIn(30)) connection_.reset();
  if (!connection_) connection_ = Connect();
  life_ = life;
  const SoakRequest request = Announce("plain");
  WireAnswer answer;
  if (connection_ && connection_->Send(request.text)) answer = connection_->Read();
  if (!answer.whole || answer.header("connection") == "close") connection_.reset();
  world_.oracle.Judge(request.number, answer);
}

void SoakCaller::Invalidate() {
  const SoakIdentity by = InventIdentity();
  const int tag = static_cast<int>(Random(kSoakTags));
  const std::string body = Json{{"tags", {"tag-" + std::to_string(tag)}}}.dump();
  const SoakTime call = SoakClock::now();
  if (OneIn(20)) {
    const std::size_t number = world_.oracle.InvalidatingAll();
    const bool done = world_.gateway.Admin("POST", "/v1/invalidate", R"({"all":true})").has_value();
    world_.oracle.EndedInvalidatingAll(number, done);
    if (done) world_.tally.CountCall("invalidation of all");
    return;
  }
  if (OneIn(3)) {
    if (!world_.gateway.Admin("POST", "/v1/invalidate", body)) return;
    world_.tally.CountCall("operator's invalidation");
    return world_.oracle.Invalidated(tag, nullptr, call);
  }
  std::optional<WireClient> connection = Connect();
  if (!connection) return;
  connection->Send(
      Framed("POST /larder/v1/invalidate HTTP/1.1\r\n" + Credential(by) + NameSpace(by), body));
  if (connection->Read().status != 200) return;
  world_.tally.CountCall("caller's invalidation");
  world_.oracle.Invalidated(tag, &by, call);
}

void SoakCaller::Burst(int callers) {
  SoakCall call = {.identity = InventIdentity(), .form = {}};
  call.identity.prompt = next_new_prompt++;
  call.form.dialect = call.identity.dialect;
  call.form.stream = OneIn(2);
  std::vector<std::pair<SoakRequest, WireClient>> crowd;
  const SoakTime begin = SoakClock::now();
  for (int i = 0; i < callers; ++i) {
    std::optional<WireClient> connection = Connect();
    if (!connection) break;
    crowd.emplace_back(Announce(call), *std::move(connection));
    crowd.back().second.Send(crowd.back().first.text);
  }
  std::vector<WireAnswer> answers;
  for (auto& [request, connection] : crowd) {
    answers.push_back(connection.Read());
    world_.oracle.Judge(request.number, answers.back());
  }
  world_.oracle.JudgeCrowd(call.identity, begin, answers);
}

bool SoakCaller::Probe() {
  bool well = true;
  for (const SoakDialect dialect : {SoakDialect::kChat, SoakDialect::kMessages}) {
    SoakCall call = {.identity = InventIdentity(), .form = {}, .may_fail = true};
    call.identity.prompt = next_new_prompt++;
    call.identity.dialect = call.form.dialect = dialect;
    const SoakRequest request = Announce(call);
    std::optional<WireClient> connection = Connect();
    WireAnswer answer;
    if (connection && connection->Send(request.text)) answer = connection->Read();
    world_.oracle.Judge(request.number, answer);
    well = well && answer.whole && answer.status == 200;
  }
  return well;
}

}  // namespace larder::testing
