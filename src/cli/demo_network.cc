#include "cli/demo_network.h"

#include <array>
#include <string_view>

#include <fmt/core.h>

#include "base/disk.h"
#include "model/bpe.h"
#include "node/assets.h"
#include "worth/network_rules.h"

namespace cairn::cli {

namespace {

constexpr std::size_t kMaxTextBytes = std::size_t{64} << 20;
constexpr std::uint32_t kVocab = 512;

Result<std::string> read_text(const std::string& path) {
    const PosixDisk disk("/");
    ASSIGN_OR_RETURN(const Bytes bytes, disk.read(path, kMaxTextBytes));
    return std::string(as_text(bytes));
}

}  // namespace

chain::NetworkDefinition demo_definition(std::uint64_t seed, std::uint64_t genesis_time_ms) {
    chain::NetworkDefinition network;
    network.name = "cairn-demo";
    network.architecture = {.dim = 96,
                            .hidden_dim = 256,
                            .layers = 4,
                            .heads = 4,
                            .kv_heads = 4,
                            .vocab = kVocab,
                            .context = 128,
                            .rope_theta = 10000,
                            .norm_eps_ppb = 10000,
                            .tied_head = true,
                            .rope_interleaved = true};
    network.weights_seed = seed;
    network.judge_leaf_tokens = 4096;
    network.genesis_time_ms = genesis_time_ms;
    network.spacing_ms = 3000;
    network.halflife_ms = 60'000;
    network.first_target = 0x1e100000;
    network.pow_limit = 0x1f00ffff;
    return network;
}

Result<DemoNetwork> create_demo_network(const std::string& folder, const DemoTexts& texts,
                                        std::uint64_t seed, std::uint64_t genesis_time_ms) {
    ASSIGN_OR_RETURN(const std::string judge, read_text(texts.judge_file));
    ASSIGN_OR_RETURN(const std::string report, read_text(texts.report_file));
    const std::array<std::string_view, 1> learn_from = {judge};
    ASSIGN_OR_RETURN(const auto tokenizer, model::train_bpe(learn_from, kVocab));
    const model::Tokens judge_tokens = tokenizer->encode(judge);
    const model::Tokens report_tokens = tokenizer->encode(report);

    chain::NetworkDefinition network = demo_definition(seed, genesis_time_ms);
    ASSIGN_OR_RETURN(network.tokenizer_hash,
                     node::write_tokenizer_asset(folder, tokenizer->serialise()));
    ASSIGN_OR_RETURN(network.judge_hash, node::write_text_asset(folder, judge_tokens));
    ASSIGN_OR_RETURN(network.report_hash, node::write_text_asset(folder, report_tokens));
    RETURN_IF_ERROR(chain::validate(network));
    PosixDisk disk(folder);
    RETURN_IF_ERROR(
        disk.write_atomic(std::string(node::kNetworkFile), as_bytes(chain::to_json(network))));

    DemoNetwork made;
    made.file = folder + "/" + std::string(node::kNetworkFile);
    made.genesis_id = to_hex(chain::genesis_id(network));
    made.layers = network.architecture.layers;
    const model::ParameterLayout layout(worth::model_config(network), 1);
    made.summary = fmt::format(
        "{}: {} parameters in {} layers, {} tokens in the vocabulary, a round is {} blocks of {} s",
        made.genesis_id.substr(0, 12), layout.size(), made.layers, kVocab, network.round_length,
        static_cast<double>(network.spacing_ms) / 1000.0);
    return made;
}

}  // namespace cairn::cli
