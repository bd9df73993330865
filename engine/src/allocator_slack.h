// What the allocator keeps of memory that we gave back.
//
// glibc raises its threshold for mapping large blocks to the largest one that was ever freed, up to
// 32 MiB; from then on bodies and blocks of several MiB come from its arenas and stay there: with
// values of up to 4 MiB at full speed, 97 MiB were kept free beside 55 in use. With a fixed
// threshold of 1 MiB it was 8 beside 60.
#pragma once

namespace larder {

// Once a process, and for all of it; not if MALLOC_MMAP_THRESHOLD_ is set. A program that wants
// other values calls mallopt after opening its first cache. Without glibc it does nothing.
void BoundAllocatorSlack();

}  // namespace larder
