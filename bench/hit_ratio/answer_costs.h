// Answer costs: gives the entries of a trace sizes and costs like those of answers by models.
//
// For each key, from its hash and `draw` alone:
//   prompt tokens     lognormal, median 52, sigma 1.04, at least 1
//   answer tokens     lognormal, median 343, sigma 0.67, from 1 to 8,192
//   model             one of seven, each as often
//   bytes             100 + 1.6 * answer tokens
//   cost in micro-USD prompt tokens * input price + answer tokens * output price
// Medians and sigmas are those of the 800 prompts and 1,616 answers of lmarena/arena-hard-auto at
// four bytes a token. 100 bytes are key, record and request; an answer of 4 bytes a token takes
// 1.6 after compression with a dictionary and the share of its metadata.
// Prices are USD per million tokens (input / output), from pydantic/genai-prices (MIT):
//   gpt-4o-mini 0.15/0.60 · claude-3-haiku 0.25/1.25 · claude-3-5-haiku 0.80/4 · gpt-4.1 2/8 ·
//   gpt-4o 2.50/10 · claude-3-5-sonnet 3/15 · claude-3-opus 15/75
// so costs of equal answers lie up to 125 times apart. Costs are independent of popularity.
#pragma once

#include <cstdint>

#include "trace.h"

namespace larder::hit_ratio {

Trace WithAnswerCosts(Trace trace, std::uint64_t draw);

}  // namespace larder::hit_ratio
