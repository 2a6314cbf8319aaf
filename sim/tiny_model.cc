#include "sim/tiny_model.h"

#include "node/chain_model_reader.h"
#include "node/local_trainer.h"

namespace cairn::sim {
namespace {

chain::NetworkDefinition rules_of_tiny_network() {
    chain::NetworkDefinition network = sim_network_definition();
    network.novelty_rounds = 4;
    return network;
}

}  // namespace

TinyModelKit::TinyModelKit() : TinyModelKit(rules_of_tiny_network()) {}

TinyModelKit::TinyModelKit(const chain::NetworkDefinition& rules)
    : tiny_(node::make_tiny_network(rules)), kernels_(tensor::kernels_from_environment().value()) {}

std::unique_ptr<consensus::ModelSeam> TinyModelKit::make_model() {
    return worth::ChainModel::create(tiny_.definition, tiny_.judge, {kernels_, &pool_}).value();
}

std::unique_ptr<node::ModelReader> TinyModelKit::make_reader(consensus::ModelSeam& model) {
    const auto* chain_model = dynamic_cast<const worth::ChainModel*>(&model);
    CHECK(chain_model != nullptr);
    return std::make_unique<node::ChainModelReader>(
        *chain_model, tiny_.report, tiny_.definition.report_parts(),
        std::shared_ptr<const text::Tokenizer>(
            text::BpeTokenizer::parse(tiny_.tokenizer->serialise()).value()),
        kernels_, 1);
}

std::unique_ptr<node::DeltaSource> TinyModelKit::make_trainer(int number, std::uint64_t seed) {
    const auto who = static_cast<std::uint64_t>(number);
    return node::LocalTrainer::create(tiny_.definition, tiny_.private_tokens(who), tiny_.judge,
                                      seed * 100 + who, kernels_, 1)
        .value();
}

}  // namespace cairn::sim
