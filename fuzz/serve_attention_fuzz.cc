// Feeds arbitrary bytes to the decoders of questions for proofs of attention, of their answers, and
// of the files of proofs and shares, all of which come from strangers. What decodes must encode to
// the same bytes; and whatever shares say, combining them must end with a verdict.
#include <algorithm>
#include <vector>

#include "serve/attention_messages.h"
#include "serve/attention_share.h"

#include "fuzz/round_trip.h"

namespace {

/// As many shares as this one says there are, of the proof that it is about as far as it goes.
void combine(const cairn::serve::AttentionShare& share) {
    using namespace cairn;
    if (share.shares > 4 || share.heads.size() > 4) return;
    serve::AttentionProof proof;
    for (const audit::CheckedHead& head : share.heads) {
        const std::size_t rows = std::min<std::size_t>(head.sizes.rows, 64);
        const std::size_t width = std::min<std::size_t>(head.sizes.head_dim, 64);
        proof.claims.push_back({head.place, std::vector<std::int64_t>(rows),
                                std::vector<std::int64_t>(rows * width), Bytes(40, 1)});
    }
    std::vector<serve::AttentionShare> all(share.shares, share);
    for (std::size_t i = 0; i < all.size(); ++i) all[i].share = i;
    CHECK(!serve::combine_attention(proof, share.proof, all).is_valid() || share.heads.empty());
}

}  // namespace

extern "C" int LLVMFuzzerTestOneInput(const std::uint8_t* data, std::size_t size) {
    using namespace cairn;
    using namespace cairn::serve;
    if (size == 0) return 0;
    const ByteView body(data + 1, size - 1);
    switch (data[0] % 4) {
        case 0:
            check_round_trip(decode_attention_question(body), body);
            break;
        case 1:
            check_round_trip(decode_attention_answer(body), body);
            break;
        case 2:
            check_round_trip(decode_attention_proof(body), body);
            break;
        default: {
            const auto share = decode_attention_share(body);
            check_round_trip(share, body);
            if (share.ok()) combine(*share);
        }
    }
    return 0;
}
