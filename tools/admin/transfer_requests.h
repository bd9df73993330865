// The part of the admin API that moves entries out and in: /v1/export and /v1/import.
#pragma once

#include <cstddef>

#include "admin_request.h"
#include "larder/cache.h"

namespace larder::admin {

inline constexpr std::string_view kExportPath = "/v1/export";
inline constexpr std::string_view kImportPath = "/v1/import";
// Of one import: the line of an entry with the largest body, in base64.
inline constexpr std::size_t kMaxImportBytes = std::size_t{96} << 20;

// GET /v1/export?cursor=: a page of entries, a line each (export_line.h), and as its last line
// {"cursor": null or where the next page begins, "entries", "raw_bytes", "corrupt"}.
AdminAnswer HandleExport(Cache& cache, const AdminRequest& request);
// POST /v1/import?line=N: lines of entries, none of which is stored if one of them is damaged. N is
// the number of the first in complaints. Answers with the fields of larder::ImportReport.
AdminAnswer HandleImport(Cache& cache, const AdminRequest& request);

}  // namespace larder::admin
