// CanonicalTree: a JSON text that was checked (I-JSON, RFC 7493), with what its canonical form
// (RFC 8785) is made of.
//
// A light tree: values are views of the input wherever it is canonical already, which nearly all
// text is, and so are whole arrays and objects.
#pragma once

#include <cstdint>
#include <deque>
#include <limits>
#include <string>
#include <string_view>
#include <vector>

#include "larder/status.h"

namespace larder::client {

struct CanonicalTree {
  enum class Kind : std::uint8_t { kText, kArray, kObject };
  static constexpr std::uint32_t kAsRead = std::numeric_limits<std::uint32_t>::max();

  // A value, and the name before it. Small, because large bodies have many.
  struct Node {
    // The name in its canonical form, with quotes; null: none.
    const char* literal = nullptr;
    std::uint32_t literal_size = 0;
    // Where in `texts`, from 1 on, the name is without escapes; 0: it is what is in the quotes.
    std::uint32_t decoded = 0;
    // kText: the canonical form, of `size` bytes. Else there are `size` members; the first is the
    // next node.
    const char* text = nullptr;
    std::uint32_t size = 0;
    std::uint32_t next = 0;         // the node behind it and all that is in it
    std::uint32_t order = kAsRead;  // kObject: where in CanonicalTree::order its members are listed
    Kind kind = Kind::kText;

    void Set(std::string_view canonical) {
      text = canonical.data();
      size = static_cast<std::uint32_t>(canonical.size());
      kind = Kind::kText;
    }
  };

  std::vector<Node> nodes;  // the first is the root
  std::vector<std::uint32_t> order;
  std::deque<std::string> texts;  // what the views refer to where it is not the input

  std::string_view NameOf(const Node& node) const {
    if (node.decoded != 0) return texts[node.decoded - 1];
    return {node.literal + 1, node.literal_size - 2};
  }

  // Calls `use` with each member of the container at `at`, in canonical order.
  template <typename Use>
  void ForMembers(std::uint32_t at, const Use& use) const {
    const Node& container = nodes[at];
    std::uint32_t next = at + 1;
    for (std::uint32_t i = 0; i < container.size; ++i) {
      const std::uint32_t member = container.order == kAsRead ? next : order[container.order + i];
      next = nodes[member].next;
      use(member);
    }
  }
};

// Reads `text` into `tree`, which refers to it. Errors: those of CanonicalizeValue.
Status ReadCanonicalTree(std::string_view text, CanonicalTree& tree);

}  // namespace larder::client
