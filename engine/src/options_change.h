// What an OptionsChange makes of options.
#pragma once

#include "larder/options.h"

namespace larder {

// What it does not name stays. Whether the outcome is valid is for Options::Validate to say.
void Apply(const OptionsChange& change, Options& options);

}  // namespace larder
