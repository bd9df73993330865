// ExportLine: an entry as one line of an export (docs/cachectl.md has every field).
#pragma once

#include <string>
#include <string_view>

#include "larder/result.h"
#include "larder/scan.h"
#include "larder/transfer.h"

namespace larder::admin {

// Without line end. `item` was scanned with its body.
std::string ToExportLine(const ScanItem& item);
// Errors: kDataLoss (not such a line, or its checksum does not match), with no word of what the
// line holds.
Result<ExportedEntry> FromExportLine(std::string_view line);

}  // namespace larder::admin
