// The openai dialect: one endpoint a file, `openai_<endpoint>.cc`.
#pragma once

#include "dialect.h"

namespace larder::client {

const Dialect& OpenAiDialect();

const Endpoint& OpenAiChat();         // .../chat/completions
const Endpoint& OpenAiCompletions();  // .../completions, the legacy ones
const Endpoint& OpenAiResponses();    // .../responses
const Endpoint& OpenAiEmbeddings();   // .../embeddings

}  // namespace larder::client
