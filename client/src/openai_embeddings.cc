// Embeddings, .../embeddings: one form, and an entry for each item of a batch (embeddings.h).
#include <nlohmann/json.hpp>

#include "answer_json.h"
#include "embeddings.h"
#include "json_slices.h"
#include "openai.h"
#include "request_plan.h"

namespace larder::client {
namespace {

using nlohmann::json;

constexpr std::string_view kIgnored[] = {"user", "encoding_format"};
// Of a format that is neither of the two that become each other, nobody knows what else would do.
constexpr std::string_view kIgnoredBesideFormat[] = {"user"};

class EmbeddingsEndpoint final : public Endpoint {
 public:
  std::string_view name() const override { return "openai.embeddings"; }

  RequestPlan Plan(std::string_view body) const override {
    PlannedBody planned = PlanBody(*this, body, kIgnored, {});
    if (planned.ok() && !FormOfVectors(planned.object)) {
      planned = PlanBody(*this, body, kIgnoredBesideFormat, {});
    }
    if (!planned.ok()) return planned.plan;
    planned.plan.stream = false;
    planned.plan.batch = PlanBatch(planned.object);
    if (planned.plan.batch == nullptr) {
      planned.plan.bypass = "no-input";
    } else if (planned.plan.batch->items.size() > kMaxBatchItems ||
               planned.plan.batch->RepeatedBytes() > kMaxRepeatedBytes) {
      planned.plan.bypass = kTooComplex;
    }
    return planned.Take();
  }
  // Of an answer to one item or to many.
  Verdict JudgeJson(const RequestPlan& plan, const StoreRules&,
                    std::string_view body) const override {
    Verdict verdict;
    const json model = ParseAnswer(FindMemberText(body, "model")).value_or(json());
    if (model.is_string()) verdict.model = model;
    // Without the vectors parsed.
    const json usage = ParseAnswer(FindMemberText(body, "usage")).value_or(json());
    if (usage.is_object()) {
      // Some report the total only.
      const bool prompt = FindMember(usage, "prompt_tokens") != nullptr;
      verdict.usage =
          Usage{.input_tokens = CountMember(usage, prompt ? "prompt_tokens" : "total_tokens")};
    }
    verdict.reason = "invalid";
    if (plan.batch == nullptr) return verdict;
    const std::vector<std::string_view> items(plan.batch->items.begin(), plan.batch->items.end());
    verdict.reason = SplitBatchAnswer(body, items).problem;
    verdict.store = verdict.reason.empty();
    return verdict;
  }
  Verdict JudgeStream(const RequestPlan&, const StoreRules&,
                      const std::vector<Event>&) const override {
    return {.reason = "invalid"};
  }
  Result<std::string> Assemble(const std::vector<Event>&) const override { return OneForm(); }
  Result<std::vector<Event>> Split(std::string_view) const override { return OneForm(); }

 private:
  static Status OneForm() { return {StatusCode::kDataLoss, "embeddings have one form only"}; }
};

}  // namespace

const Endpoint& OpenAiEmbeddings() {
  static const EmbeddingsEndpoint endpoint;
  return endpoint;
}

}  // namespace larder::client
