// How zstd frames in records are written: without magic number, content size, checksum and
// dictionary id. The record has them all, and a frame is 6 bytes shorter.
//
// To be included after ZSTD_STATIC_LINKING_ONLY has been defined.
#pragma once

#include <zstd.h>

namespace larder {

inline void SetFrameFormat(ZSTD_CCtx* context, int level) {
  ZSTD_CCtx_setParameter(context, ZSTD_c_compressionLevel, level);
  ZSTD_CCtx_setParameter(context, ZSTD_c_format, ZSTD_f_zstd1_magicless);
  ZSTD_CCtx_setParameter(context, ZSTD_c_contentSizeFlag, 0);
  ZSTD_CCtx_setParameter(context, ZSTD_c_dictIDFlag, 0);
}

}  // namespace larder
