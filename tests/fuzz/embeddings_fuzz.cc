// A request and an answer of embeddings, apart by a zero byte: what is taken apart is put together
// again, and vectors convert both ways or not at all.
#include <algorithm>
#include <cstdint>
#include <nlohmann/json.hpp>

#include "dialect.h"
#include "embeddings.h"
#include "fuzz_check.h"

extern "C" int LLVMFuzzerTestOneInput(const std::uint8_t* data, std::size_t size) {
  using namespace larder::client;
  using nlohmann::json;
  const std::string_view text(reinterpret_cast<const char*>(data), size);
  const std::size_t zero = std::min(text.find('\0'), text.size());
  const std::string_view answer = text.substr(std::min(zero + 1, text.size()));
  for (const VectorForm form : {VectorForm::kFloats, VectorForm::kBase64}) {
    const auto vector = VectorAs(form, answer);
    if (!vector || !json::accept(answer)) continue;
    FUZZ_CHECK(json::accept(*vector));
    FUZZ_CHECK(VectorAs(form, *vector) == vector);
  }
  const RequestPlan plan = FindEndpoint("openai.embeddings")->Plan(text.substr(0, zero));
  if (plan.batch == nullptr) return 0;
  const std::vector<std::string>& items = plan.batch->items;
  FUZZ_CHECK(json::accept(plan.batch->RequestFor({items.begin(), items.end()})));
  const BatchAnswer split = SplitBatchAnswer(answer, {items.begin(), items.end()});
  if (!split.problem.empty()) return 0;
  std::vector<std::size_t> unfit;
  const auto whole =
      ComposeBatchAnswer(*plan.batch, {split.items.begin(), split.items.end()}, unfit);
  FUZZ_CHECK(whole.has_value() == unfit.empty());
  if (whole) FUZZ_CHECK(json::accept(*whole));
  return 0;
}
