// Feeds arbitrary bytes to every decoder of what is said about weights, and to the one of
// manifests. What decodes must encode to the same bytes, and a manifest must have leaves that add
// up.
#include <cstddef>
#include <cstdint>

#include "base/check.h"
#include "fetch/manifest.h"
#include "fetch/messages.h"

#include "fuzz/round_trip.h"

namespace {

void look_at_manifest(cairn::ByteView body) {
    using namespace cairn::fetch;
    const auto manifest = decode_manifest(body);
    cairn::check_round_trip(manifest, body);
    if (!manifest.ok()) return;
    const LeafPlan plan(*manifest);
    std::uint64_t leaves = 0;
    for (std::size_t i = 0; i < plan.tensors(); ++i) {
        const TensorLeaves& tensor = plan.tensor(i);
        CHECK(tensor.first == leaves && tensor.count > 0);
        CHECK(plan.bytes(tensor.first, tensor.count) == tensor.bytes);
        CHECK(plan.tensor_of(tensor.first + tensor.count - 1) == i);
        leaves += tensor.count;
    }
    CHECK(leaves == plan.leaves());
}

/// A range's proof of any hashes: it is built, or refused.
void build_range(cairn::ByteView body) {
    using namespace cairn;
    const auto leaves = fetch::decode_leaves(body);
    if (!leaves.ok()) return;
    const auto hashes = fetch::leaf_hashes(fetch::Form::kFile, leaves->bytes);
    const auto range =
        crypto::MerkleRange::build(hashes, leaves->first % 4096,
                                   leaves->first % 4096 + 1 + leaves->first / 4096, leaves->proof);
    if (range.ok()) CHECK(range->prove(range->first(), range->end()) == leaves->proof);
}

}  // namespace

extern "C" int LLVMFuzzerTestOneInput(const std::uint8_t* data, std::size_t size) {
    using namespace cairn;
    using namespace cairn::fetch;
    if (size == 0) return 0;
    const ByteView body(data + 1, size - 1);
    switch (data[0] % 7) {
        case 0:
            return check_round_trip(decode_ask_weights(body), body, encode_ask_weights), 0;
        case 1:
            return check_round_trip(decode_weights(body), body), 0;
        case 2:
            return check_round_trip(decode_ask_leaves(body), body), 0;
        case 3:
            return check_round_trip(decode_leaves(body), body), 0;
        case 4:
            return check_round_trip(decode_no_weights(body), body), 0;
        case 5:
            return look_at_manifest(body), 0;
        default:
            return build_range(body), 0;
    }
}
