// Feeds arbitrary messages to a part of a divided server: what decodes encodes to the same bytes,
// and a part answers or refuses, whatever comes in whatever order, without a crash and within its
// bounds.
#include "base/numerics_version.h"
#include "base/thread_pool.h"
#include "serve/layer_part.h"
#include "tensor/compute.h"

#include "fuzz/round_trip.h"

namespace {

using namespace cairn;
using namespace cairn::serve;

struct World {
    ThreadPool pool{1};
    tensor::Compute compute{tensor::kernels_from_environment().value(), &pool};
    ModelSnapshot snapshot;

    World() {
        const model::ModelConfig config{.dim = 8,
                                        .hidden_dim = 20,
                                        .layers = 3,
                                        .heads = 4,
                                        .kv_heads = 2,
                                        .vocab = 16,
                                        .context = 32};
        const model::ParameterLayout layout(config);
        snapshot = snapshot_of(std::make_shared<const model::Model>(
                                   model::make_model(config, model::initial_parameters(layout, 3))))
                       .value();
    }
};

}  // namespace

extern "C" int LLVMFuzzerTestOneInput(const std::uint8_t* data, std::size_t size) {
    static const World world;
    LayerPart part(world.snapshot, {0, 2}, world.compute,
                   {.max_cache_bytes = 4096, .max_caches = 4});
    // A lead has joined already, and a sequence is open, so that inputs need not name the model.
    PartJoin join{world.snapshot.hash, kNumericsVersion, {0, 2}, {0, 1, 4, 12}};
    (void)part.answer(PartKind::kJoin, encode(join));
    (void)part.answer(PartKind::kOpen, encode(PartOpen{1, {0, 2}, 16}));
    ByteView rest(data, size);
    while (rest.size() >= 2) {
        const auto kind = static_cast<PartKind>(0x5501 + rest[0] % 12);
        const std::size_t length = std::min<std::size_t>(rest[1], rest.size() - 2);
        const ByteView body = rest.subspan(2, length);
        rest = rest.subspan(2 + length);
        check_round_trip(decode_part_join(body), body);
        check_round_trip(decode_part_open(body), body);
        check_round_trip(decode_part_heads(body), body);
        check_round_trip(decode_part_columns(body), body);
        check_round_trip(decode_part_share(body), body);
        (void)decode_part_close(body).ok();
        (void)decode_part_reason(body).ok();
        const auto answer = part.answer(kind, body);
        if (answer && answer->kind == PartKind::kShare) CHECK(decode_part_share(answer->body).ok());
        CHECK(part.caches() <= 4);
    }
    return 0;
}
