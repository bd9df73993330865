#define ZSTD_STATIC_LINKING_ONLY  // frames without magic number
#include "codec.h"

#include <sched.h>
#include <zstd.h>

#include <cstring>
#include <thread>
#include <utility>

#include "frame_format.h"

namespace larder {
namespace {
// Below this a frame's own header eats what compression wins.
constexpr std::size_t kMinBytes = 64;
// What a context keeps to compress into. To clear a buffer of the most that a frame can take, for
// each body anew, costs more than to copy what it takes in the end.
constexpr std::size_t kKeptBytes = std::size_t{64} << 10;
}  // namespace

struct Codec::CompressContext {
  CompressContext() : zstd(ZSTD_createCCtx()) {}
  ~CompressContext() { ZSTD_freeCCtx(zstd); }
  void SetLevel(int to) {
    if (std::exchange(level, to) != to) SetFrameFormat(zstd, to);
  }
  ZSTD_CCtx* const zstd;
  int level = 0;
  const std::unique_ptr<char[]> kept = std::make_unique_for_overwrite<char[]>(kKeptBytes);
};

struct Codec::DecompressContext {
  DecompressContext() : zstd(ZSTD_createDCtx()) {
    ZSTD_DCtx_setParameter(zstd, ZSTD_d_format, ZSTD_f_zstd1_magicless);
  }
  ~DecompressContext() { ZSTD_freeDCtx(zstd); }
  ZSTD_DCtx* const zstd;
};

// Slots are taken and given back with one exchange each; who finds none makes its own.
template <typename Context>
class Codec::Pool {
 public:
  Pool() : slots_(2 * std::max(1u, std::thread::hardware_concurrency())) {}
  ~Pool() {
    for (auto& slot : slots_) delete slot.exchange(nullptr);
  }

  std::unique_ptr<Context> Take() {
    const std::size_t start = Start();
    for (std::size_t i = 0; i < slots_.size(); ++i) {
      auto& slot = slots_[(start + i) % slots_.size()];
      if (slot.load(std::memory_order_relaxed) == nullptr) continue;
      if (Context* context = slot.exchange(nullptr)) return std::unique_ptr<Context>(context);
    }
    return std::make_unique<Context>();
  }

  void GiveBack(std::unique_ptr<Context> context) {
    const std::size_t start = Start();
    for (std::size_t i = 0; i < slots_.size(); ++i) {
      Context* empty = nullptr;
      if (slots_[(start + i) % slots_.size()].compare_exchange_strong(empty, context.get())) {
        static_cast<void>(context.release());
        return;
      }
    }
  }

  std::size_t size() const { return slots_.size(); }

 private:
  std::size_t Start() const { return static_cast<std::size_t>(std::max(0, sched_getcpu())); }
  std::vector<std::atomic<Context*>> slots_;
};

Codec::Codec(int level, const DictionaryShelf& dictionaries, bool writes_with_dictionary)
    : level_(level),
      dictionaries_(dictionaries),
      writes_with_dictionary_(writes_with_dictionary),
      compressors_(std::make_unique<Pool<CompressContext>>()),
      decompressors_(std::make_unique<Pool<DecompressContext>>()) {}

Codec::~Codec() = default;

std::uint64_t Codec::MostMemoryBytes() const {
  return compressors_->size() *
         (largest_context_.load(std::memory_order_relaxed) + kKeptBytes + ZSTD_estimateDCtxSize());
}

Payload Codec::Compress(std::string_view body, std::string& scratch) {
  const Payload raw{.bytes = body};
  const int level = this->level();
  if (level == 0 || body.size() < kMinBytes) return raw;
  const DictionaryPtr dictionary = writes_with_dictionary_ ? dictionaries_.Newest() : nullptr;
  std::unique_ptr<CompressContext> context = compressors_->Take();
  context->SetLevel(level);
  ZSTD_CCtx_refCDict(context->zstd, dictionary == nullptr ? nullptr : dictionary->compressing());
  const std::size_t bound = ZSTD_compressBound(body.size());
  const bool small = bound <= kKeptBytes;
  if (!small) scratch.resize(bound);
  char* const out = small ? context->kept.get() : scratch.data();
  const std::size_t size = ZSTD_compress2(context->zstd, out, bound, body.data(), body.size());
  const bool won = !ZSTD_isError(size) && size < body.size();
  if (small && won) scratch.assign(out, size);
  ZSTD_CCtx_refCDict(context->zstd, nullptr);
  const std::uint64_t bytes = ZSTD_sizeof_CCtx(context->zstd);
  if (bytes > largest_context_.load(std::memory_order_relaxed)) largest_context_ = bytes;
  compressors_->GiveBack(std::move(context));
  if (!won) return raw;
  return {.codec = RecordCodec::kZstd,
          .dictionary = dictionary == nullptr ? 0 : dictionary->id(),
          .bytes = std::string_view(scratch).substr(0, size)};
}

bool Codec::Decompress(const RecordView& view, char* out) {
  if (view.codec == RecordCodec::kRaw) {
    if (view.payload.size() != view.raw_bytes) return false;
    if (view.raw_bytes > 0) std::memcpy(out, view.payload.data(), view.raw_bytes);
    return true;
  }
  DictionaryPtr dictionary;
  if (view.dictionary != 0) {
    dictionary = dictionaries_.Find(view.dictionary);
    if (dictionary == nullptr) return false;
  }
  std::unique_ptr<DecompressContext> context = decompressors_->Take();
  ZSTD_DCtx_refDDict(context->zstd, dictionary == nullptr ? nullptr : dictionary->decompressing());
  const std::size_t size = ZSTD_decompressDCtx(context->zstd, out, view.raw_bytes,
                                               view.payload.data(), view.payload.size());
  ZSTD_DCtx_refDDict(context->zstd, nullptr);
  decompressors_->GiveBack(std::move(context));
  return !ZSTD_isError(size) && size == view.raw_bytes;
}

}  // namespace larder
