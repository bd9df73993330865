#include "openai.h"

#include "answer_json.h"

namespace larder::client {
namespace {

class OpenAi final : public Dialect {
 public:
  const Endpoint* FindEndpoint(std::string_view method, std::string_view path) const override {
    if (method != "POST") return nullptr;
    if (path.ends_with("/chat/completions")) return &OpenAiChat();
    if (path.ends_with("/completions")) return &OpenAiCompletions();
    if (path.ends_with("/responses")) return &OpenAiResponses();
    if (path.ends_with("/embeddings")) return &OpenAiEmbeddings();
    return nullptr;
  }

  std::string ErrorBody(int status, std::string_view message) const override {
    const char* type = status >= 500   ? "server_error"
                       : status == 429 ? "rate_limit_error"
                       : status == 404 ? "not_found_error"
                                       : "invalid_request_error";
    return DumpJson(
        {{"error", {{"message", message}, {"type", type}, {"param", nullptr}, {"code", nullptr}}}});
  }
};

}  // namespace

const Dialect& OpenAiDialect() {
  static const OpenAi dialect;
  return dialect;
}

}  // namespace larder::client
