#include "batch_composition.h"

#include <exception>
#include <string_view>
#include <utility>

#include "handoff.h"
#include "hit_replay.h"
#include "larder/client/message.h"

namespace larder::client {
namespace {

BatchComposition Compose(const EmbeddingsBatch& batch, const std::vector<SharedBytes>& answers,
                         const std::vector<std::size_t>& positions) {
  try {
    std::vector<std::string_view> views;
    for (const SharedBytes& answer : answers) views.push_back(answer.view());
    BatchComposition composition;
    composition.body = ComposeBatchAnswer(batch, views, composition.unfit);
    for (std::size_t& position : composition.unfit) position = positions[position];
    return composition;
  } catch (const std::exception&) {
    return {};
  }
}

}  // namespace

boost::asio::awaitable<std::optional<BatchComposition>> ComposeBatch(
    std::shared_ptr<const CachingCore> core, std::shared_ptr<const EmbeddingsBatch> batch,
    const std::vector<BatchSlot>& slots, const std::vector<std::size_t>& positions) {
  std::vector<SharedBytes> answers;  // one a position
  std::size_t bytes = 0;
  for (const std::size_t position : positions) {
    answers.push_back(slots[position].answer->body);
    bytes += answers.back().size();
  }
  if (bytes <= core->limits.inline_bytes) co_return Compose(*batch, answers, positions);
  auto work = [batch, answers = std::move(answers), positions] {
    return Compose(*batch, answers, positions);
  };
  const Duration patience = PatienceFor(*core, bytes);
  co_return co_await GetFromPoolOrHere(core->io, core->pool, std::move(work), patience);
}

}  // namespace larder::client
