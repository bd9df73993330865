#include "soak_upstream.h"

#include <algorithm>
#include <nlohmann/json.hpp>
#include <optional>
#include <stdexcept>
#include <thread>

namespace larder::testing {
namespace {

using Json = nlohmann::json;

struct Seen {
  SoakIdentity identity;
  SoakForm form;
};

std::uint32_t NumberIn(const std::string& text, std::string_view prefix) {
  if (!text.starts_with(prefix)) throw std::runtime_error("not of the soak");
  return static_cast<std::uint32_t>(std::stoul(text.substr(prefix.size())));
}

// What the request asks for by its own bytes. Throws if it is none of the soak's.
Seen Read(const UpstreamExchange& exchange) {
  Seen seen;
  const bool chat = exchange.target.ends_with("/chat/completions");
  seen.identity.dialect = seen.form.dialect = chat ? SoakDialect::kChat : SoakDialect::kMessages;
  seen.identity.tenant =
      static_cast<std::uint8_t>(chat ? NumberIn(exchange.header("authorization"), "Bearer tenant-")
                                     : NumberIn(exchange.header("x-api-key"), "tenant-"));
  const Json body = Json::parse(exchange.body);
  const auto model = std::find(std::begin(kSoakModels), std::end(kSoakModels),
                               body.at("model").get<std::string>());
  seen.identity.model = static_cast<std::uint8_t>(model - std::begin(kSoakModels));
  seen.identity.prompt =
      NumberIn(body.at("messages").at(0).at("content").get<std::string>(), "prompt ");
  seen.form.stream = body.value("stream", false);
  seen.form.usage = !chat || !seen.form.stream || body.contains("stream_options");
  return seen;
}

}  // namespace

SoakUpstream::SoakUpstream(SoakOracle& oracle, SoakTally& tally, std::uint64_t seed)
    : oracle_(oracle), tally_(tally), random_(seed) {
  Return();
}

void SoakUpstream::Return() {
  server_ = std::make_unique<FakeUpstream>([this](UpstreamExchange& exchange) { Serve(exchange); },
                                           port_);
  port_ = server_->port();
}

void SoakUpstream::Misbehave(unsigned percent, const std::vector<std::string>& names) {
  const std::lock_guard lock(mutex_);
  percent_ = percent;
  wrong_.clear();
  for (const Misbehaviour& one : Misbehaviours()) {
    // Turns round as fast as it can until the last deadline.
    if (one.name == "DrippingBody") continue;
    const bool named = std::find(names.begin(), names.end(), one.name) != names.end();
    if (names.empty() || named) wrong_.push_back(&one);
  }
}

std::uint64_t SoakUpstream::Random(std::uint64_t below) {
  const std::lock_guard lock(mutex_);
  return random_() % below;
}

const Misbehaviour* SoakUpstream::Choose() {
  const std::lock_guard lock(mutex_);
  if (random_() % 100 >= percent_) return nullptr;
  return wrong_[random_() % wrong_.size()];
}

void SoakUpstream::Serve(UpstreamExchange& exchange) {
  std::optional<SoakAttempt> attempt;
  try {
    const Seen seen = Read(exchange);
    attempt =
        oracle_.Received(std::stoull(exchange.header(kSoakCallField)), seen.identity, seen.form);
  } catch (const std::exception&) {  // as a provider meets what is none of its own
  }
  if (!attempt) {
    exchange.Answer(404, "application/json", R"({"error":{"message":"no such thing"}})",
                    std::string(kSoakSerialField) + ": none\r\n");
    return;
  }
  const std::string fields =
      std::string(kSoakSerialField) + ": " + std::to_string(attempt->author.serial) + "\r\n";
  const Misbehaviour* wrong = Choose();
  const std::string body = MakeSoakAnswer(attempt->form, attempt->author);
  // A second answer that comes when the next request is on its way already is that request's, as
  // far as anyone can tell; so both must go out at once.
  constexpr std::size_t kOneSegment = 8'000;
  const bool separable =
      wrong != nullptr && wrong->name == "TwoAnswersAtOnce" && body.size() > kOneSegment;
  if (wrong == nullptr || separable) return AnswerWell(exchange, *attempt, body, fields);
  tally_.CountFault("upstream: " + wrong->name);
  oracle_.Sending(attempt->author.serial, wrong->fate, wrong->name);
  wrong->serve(exchange,
               {attempt->form.stream ? "text/event-stream" : "application/json", body, fields});
}

void SoakUpstream::AnswerWell(UpstreamExchange& exchange, const SoakAttempt& attempt,
                              const std::string& body, const std::string& fields) {
  if (attempt.form.stream) return Stream(exchange, attempt, body, fields);
  // Now and then long enough for others to join.
  if (Random(4) == 0) std::this_thread::sleep_for(std::chrono::milliseconds(Random(100)));
  oracle_.Sending(attempt.author.serial, Fate::kWhole);
  exchange.Answer(200, "application/json", body, fields);
}

// Events in chunks of their own, some at once and some with pauses.
void SoakUpstream::Stream(UpstreamExchange& exchange, const SoakAttempt& attempt,
                          const std::string& body, const std::string& fields) {
  const std::uint64_t pace_ms = Random(3) == 0 ? Random(8) : 0;
  exchange.BeginChunks(200, "text/event-stream", fields);
  for (std::size_t from = 0; from < body.size();) {
    const std::size_t end = body.find(kEndOfEvent, from) + kEndOfEvent.size();
    if (end == body.size()) oracle_.Sending(attempt.author.serial, Fate::kWhole);
    if (!exchange.Chunk(body.substr(from, end - from))) break;
    from = end;
    if (pace_ms > 0) std::this_thread::sleep_for(std::chrono::milliseconds(pace_ms));
  }
  exchange.EndChunks();
}

}  // namespace larder::testing
