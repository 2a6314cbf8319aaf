// Fuzzes the snapshot of the model's state: what load accepts is saved back byte for byte, and what
// it refuses leaves the state as it was.
#include <algorithm>
#include <cstddef>
#include <cstdint>

#include "codec/codec.h"
#include "worth/model_state.h"

namespace {

cairn::model::ParameterLayout tiny_layout() {
    cairn::model::ModelConfig config;
    config.dim = 4;
    config.hidden_dim = 4;
    config.layers = 1;
    config.heads = 1;
    config.kv_heads = 1;
    config.vocab = 8;
    config.context = 16;
    return cairn::model::ParameterLayout(config, cairn::codec::kTile);
}

}  // namespace

extern "C" int LLVMFuzzerTestOneInput(const std::uint8_t* data, std::size_t size) {
    using namespace cairn;
    static const model::ParameterLayout layout = tiny_layout();
    static worth::ModelState state(layout, 1, 2);
    // A snapshot is mostly parameters: the input overwrites the ends of a valid one.
    Bytes saved = state.save();
    const ByteView input(data, size);
    const ByteView front = input.first(size / 2);
    const ByteView back = input.subspan(size / 2);
    std::copy_n(front.begin(), std::min(front.size(), saved.size()), saved.begin());
    saved.insert(saved.end(), back.begin(), back.end());
    const Hash256 root = state.root();
    if (state.load(saved).ok()) {
        CHECK(state.save() == saved);
    } else {
        CHECK(state.root() == root);
    }
    return 0;
}
