// What chat and legacy completions have in common: choices, chunks, usage.
#pragma once

#include <nlohmann/json.hpp>
#include <optional>
#include <string_view>
#include <vector>

#include "chat_assembler.h"
#include "dialect.h"

namespace larder::client {

// Why one of an answer's choices keeps it out of the store, or "". May look at the plan and rules.
using ChoiceCheck = std::string_view (*)(const RequestPlan& plan, const StoreRules& rules,
                                         const nlohmann::json& choice);

struct ChunkDialect {
  ChunkKind kind;
  ChoiceCheck problem_of;
  bool (*has_answer)(const nlohmann::json& choice);  // of a choice without a problem
};

class ChunkEndpoint : public Endpoint {
 public:
  Verdict JudgeJson(const RequestPlan& plan, const StoreRules& rules,
                    std::string_view body) const override;
  Verdict JudgeStream(const RequestPlan& plan, const StoreRules& rules,
                      const std::vector<Event>& events) const override;
  std::vector<Event> Normalize(std::vector<Event> events) const override;
  // The chunk without choices that only reports usage.
  std::optional<std::size_t> UsageEvent(const std::vector<Event>& events) const override;
  Result<std::string> Assemble(const std::vector<Event>& events) const override;

 protected:
  explicit ChunkEndpoint(const ChunkDialect& dialect) : dialect_(dialect) {}

 private:
  const ChunkDialect dialect_;
};

// Padding left out.
std::vector<Event> WithoutObfuscation(std::vector<Event> events);

// An answer with at least one choice, each an object; else nullopt.
std::optional<nlohmann::json> ParseChoices(std::string_view body);

// openai_chat_split.cc
Result<std::vector<Event>> SplitChatAnswer(std::string_view json);

}  // namespace larder::client
