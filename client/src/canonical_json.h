// CanonicalObject: a request body as it is hashed into the key. I-JSON (RFC 7493) is checked and
// the canonical form of RFC 8785 written, so that bodies that say the same have the same bytes.
#pragma once

#include <optional>
#include <span>
#include <string>
#include <string_view>
#include <vector>

#include "larder/result.h"

namespace larder::client {

// Arrays and objects within each other, the outermost counted.
inline constexpr int kMaxJsonDepth = 256;

// Values in one text. No provider takes as many in a request, and one takes ten times its bytes in
// memory: without a bound, a body of 30 MiB could cost half a gigabyte.
inline constexpr std::size_t kMaxJsonValues = std::size_t{1} << 19;

struct CanonicalObject {
  // The canonical form without the members that were to be left out.
  std::string text;
  // Names of those that were there, in their canonical order.
  std::vector<std::string> left_out;

  // The canonical form of a top-level member, also of one left out; nullopt if there is none.
  // Valid as long as this object, unmoved.
  std::optional<std::string_view> Find(std::string_view name) const;

  struct Member {
    std::string name;
    std::size_t offset;
    std::size_t size;
    bool kept;
  };
  std::vector<Member> members;
  std::string left_out_text;

  // That of one of `members`, as Find() has it: for those who look at all of them.
  std::string_view ValueOf(const Member& member) const {
    return std::string_view(member.kept ? text : left_out_text).substr(member.offset, member.size);
  }
};

// Errors: kInvalidArgument, saying what is wrong and at which byte, never with a part of the body:
// not an object, duplicate names, bad UTF-8, lone surrogates, an integer literal beyond
// ±(2^53 - 1), a number beyond a double, nesting over kMaxJsonDepth, not JSON at all;
// kResourceExhausted: more than kMaxJsonValues.
Result<CanonicalObject> CanonicalizeObject(std::string_view body,
                                           std::span<const std::string_view> leave_out = {});

// The canonical form of any value, checked alike.
Result<std::string> CanonicalizeValue(std::string_view text);

}  // namespace larder::client
