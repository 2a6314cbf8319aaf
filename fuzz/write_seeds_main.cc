// Writes small valid inputs for every fuzz target, made by the program's own encoders, so that
// fuzzing starts behind magic numbers and lengths and seeds can never be of an old format:
//
//   write_seeds DIR        writes DIR/<target>/<name>
#include <cstdio>
#include <filesystem>
#include <fstream>
#include <iterator>

#include "api/fake_node.h"
#include "api/json_views.h"
#include "chain/test_objects.h"
#include "channel/record.h"
#include "codec/codec.h"
#include "consensus/coins.h"
#include "consensus/rules_state.h"
#include "crypto/keystore.h"
#include "crypto/lthash.h"
#include "fetch/manifest.h"
#include "fetch/messages.h"
#include "formats/checkpoint.h"
#include "formats/format_test_models.h"
#include "formats/save.h"
#include "net/hello.h"
#include "net/relay_messages.h"
#include "node/kept_payload.h"
#include "node/kept_payments.h"
#include "node/messages.h"
#include "proof/inclusion.h"
#include "serve/announce.h"
#include "serve/exhibit_file.h"
#include "serve/part_messages.h"
#include "text/test_vocabulary.h"
#include "text/tokenizer_json.h"
#include "text/wordpiece.h"
#include "train/run_state.h"
#include "trust/audit_book.h"
#include "wallet/address.h"
#include "wallet/wallet_file.h"
#include "wallet/words.h"

#include "fuzz/attention_seeds.h"

namespace {

using namespace cairn;
namespace fs = std::filesystem;

fs::path root;

void seed(const std::string& target, const std::string& name, ByteView bytes) {
    fs::create_directories(root / target);
    std::ofstream file(root / target / name, std::ios::binary);
    file.write(reinterpret_cast<const char*>(bytes.data()),
               static_cast<std::streamsize>(bytes.size()));
    CHECK(file.good());
}

Bytes contents(const fs::path& path) {
    std::ifstream file(path, std::ios::binary);
    const std::string text{std::istreambuf_iterator<char>(file), {}};
    return Bytes(text.begin(), text.end());
}

Bytes with_tail(Bytes bytes, std::initializer_list<std::uint8_t> tail) {
    bytes.insert(bytes.end(), tail);
    return bytes;
}

/// As small as a family can be while block formats still fit its rows.
model::ModelConfig shrunk(model::ModelConfig config, std::uint32_t dim) {
    config.dim = dim;
    config.hidden_dim = dim;
    config.layers = 1;
    config.kv_heads = 1;
    config.heads = config.causal && config.norm == model::NormKind::kRms ? 2 : 1;
    if (config.explicit_head_dim != 0) config.explicit_head_dim = dim;
    config.vocab = 6;
    config.context = 16;
    return config;
}

/// Where the u64 stands that is the checksum of all before it, as the last two bytes that
/// formats_checkpoint_fuzz wants.
Bytes with_checksum_place(const Bytes& file) {
    for (std::size_t at = 8; at + 8 <= file.size() && at < 65536; ++at) {
        Reader reader(ByteView(file).subspan(at, 8));
        if (reader.u64() == formats::checkpoint_checksum(ByteView(file).first(at)))
            return with_tail(file,
                             {static_cast<std::uint8_t>(at), static_cast<std::uint8_t>(at >> 8)});
    }
    CHECK(false);
}

void model_seeds() {
    const fs::path scratch = root / "scratch";
    for (const auto& [name, family] : formats::family_configs()) {
        for (const std::uint32_t dim : {4U, 32U}) {
            const std::string id = name + "-" + std::to_string(dim);
            model::Model small = formats::family_model(shrunk(family, dim), false);
            seed("formats_checkpoint_fuzz", id,
                 with_checksum_place(formats::encode_checkpoint(small).value()));
            fs::remove_all(scratch);
            fs::create_directories(scratch);
            const fs::path gguf = scratch / "model.gguf";
            formats::WriteOptions options;
            if (dim == 32) options.type = tensor::WeightType::kQ8_0;
            if (formats::save_model(small, formats::ModelFormat::kGguf, gguf, options).ok())
                seed("formats_gguf_fuzz", id, contents(gguf));
            if (dim == 32) continue;
            const fs::path folder = scratch / "hf";
            if (!formats::save_model(small, formats::ModelFormat::kHuggingFace, folder, {}).ok())
                continue;
            seed("formats_safetensors_fuzz", id, contents(folder / "model.safetensors"));
            seed("formats_safetensors_fuzz", id + "-config", contents(folder / "config.json"));
        }
    }
    // llama2.c: seven numbers, then weights; dim 4, one layer, vocabulary 3, context 2.
    Writer llama2c;
    for (const std::uint32_t number : {4U, 4U, 1U, 2U, 1U, 3U, 2U}) llama2c.u32(number);
    const std::size_t floats = 3 * 4 + 4 + (16 + 8 + 8 + 16) + 4 + 3 * 16 + 4 + 2 * 2;
    for (std::size_t i = 0; i < floats; ++i) llama2c.u32(0x3F000000);
    seed("formats_llama2c_fuzz", "tiny", llama2c.out());
    fs::remove_all(scratch);
}

void text_seeds() {
    const std::string_view text = "the cat and the hat";
    seed("text_bpe_fuzz", "text", as_bytes(text));
    const auto bpe = text::train_bpe(std::span(&text, 1), 262).value();
    seed("text_tokenizer_fuzz", "bpe", with_tail(bpe->serialise(), {'t', 'h', 'e', 3}));
    for (const auto& toy : {text::test::byte_level_toy(), text::test::scored_toy()}) {
        const std::string name = toy->parts().model;
        for (const char* target : {"text_vocabulary_fuzz", "text_tokenizer_fuzz"})
            seed(target, name, with_tail(toy->serialise(), {'a', 'b', 'c', 3}));
        // Scored pieces have no spelling in tokenizer.json.
        if (const auto files = text::write_tokenizer_json(toy->parts()); files.ok())
            seed("text_tokenizer_json_fuzz", name,
                 as_bytes(files->tokenizer + std::string(1, '\0') + files->config));
    }
    const std::string lines = "[UNK]\n[CLS]\n[SEP]\nthe\n##s\ncat\n";
    const auto words = text::make_tokenizer(text::read_vocab_txt(lines).value()).value();
    for (const char* target : {"text_wordpiece_fuzz", "text_tokenizer_fuzz"})
        seed(target, "words", with_tail(words->serialise(), {'c', 'a', 't', 's', 4}));
    seed("text_wordpiece_fuzz", "lines",
         with_tail(Bytes(as_bytes(lines).begin(), as_bytes(lines).end()), {'c', 'a', 't', 3}));
    seed("text_tokenizer_json_fuzz", "words",
         as_bytes(text::write_tokenizer_json(words->parts()).value().tokenizer));
}

/// A proof of each kind, over a header on genesis that a block without work has.
void inclusion_seeds(const chain::Block& block) {
    proof::Inclusion inclusion;
    inclusion.network.first_target = 0x20ffffff;
    inclusion.headers = {chain::make_genesis(inclusion.network, {}).header, block.header};
    inclusion.headers[1].previous = chain::block_hash(inclusion.headers[0]);
    inclusion.headers[1].target = inclusion.network.first_target;
    inclusion.height = 1;
    seed("inclusion_proof_fuzz", "block", proof::encode(inclusion));
    const std::pair<proof::Kind, Hash256> items[] = {
        {proof::Kind::kCoinbase, chain::coinbase_id(block.coinbase)},
        {proof::Kind::kPayment, chain::payment_id(block.payments[0])},
        {proof::Kind::kCommitment, chain::commitment_id(block.commitments[0])},
        {proof::Kind::kContribution, block.contributions[0].commitment_id}};
    for (const auto& [kind, id] : items) {
        const proof::Shown shown = proof::show_item(block, kind, id).value();
        inclusion.item = shown.item;
        inclusion.branch = shown.branch;
        seed("inclusion_proof_fuzz", proof::kKindNames[static_cast<std::size_t>(kind)],
             proof::encode(inclusion));
    }
}

void chain_seeds() {
    const chain::Block block = chain::sample_block();
    seed("block_fuzz", "two-of-each", chain::encode(block));
    seed("header_fuzz", "header", chain::header_bytes(block.header).view());
    seed("coinbase_fuzz", "coinbase", chain::encode(block.coinbase));
    seed("payment_fuzz", "payment", chain::encode(block.payments[0]));
    chain::Payment opening = chain::sample_payment();
    opening.outputs[0] = chain::sample_channel();
    seed("payment_fuzz", "opening", chain::encode(opening));
    seed("payment_fuzz", "close", chain::encode(chain::sample_close()));
    inclusion_seeds(block);
    seed("voucher_fuzz", "voucher", chain::encode(chain::sample_voucher()));
    channel::Record record;
    record.terms = *channel::terms_of({chain::filled<32>(1), 0}, chain::sample_channel());
    record.note = "bob";
    const Bytes kept = channel::encode(record);
    seed("channel_record_fuzz", "record", ByteView(kept).first(kept.size() - Hash256::kSize));
    seed("kept_payments_fuzz", "pool", node::encode_kept_payments(block.payments));
    node::KeptPayload made{block.commitments[0], {}, {Bytes(20, 7), 3, 2.5}};
    made.commitment.payload_commitment =
        chain::payload_commitment(made.commitment.key, made.made.payload);
    const Bytes kept_payload = node::encode(made);
    seed("kept_payload_fuzz", "payload",
         ByteView(kept_payload).first(kept_payload.size() - Hash256::kSize));
    seed("commitment_fuzz", "commitment", chain::encode(block.commitments[0]));
    seed("contribution_fuzz", "contribution", chain::encode(block.contributions[0]));
    const chain::NetworkDefinition network;
    seed("network_fuzz", "default", chain::encode(network));
    seed("network_json_fuzz", "default", as_bytes(chain::to_json(network)));
    Writer coins;
    consensus::CoinSet().write(coins);
    seed("ledger_snapshot_fuzz", "coins", coins.out());
    Writer rules;
    consensus::RulesState().write(rules);
    seed("ledger_snapshot_fuzz", "rules", rules.out());
    for (std::uint8_t bits = 0; bits < 4; ++bits) {
        constexpr std::uint32_t kBits[] = {1, 4, 8, 16};
        const chain::CodecSpec spec{chain::CodecKind::kSrht, 1, kBits[bits]};
        Bytes input{1, bits};
        input.resize(2 + codec::payload_size(spec, codec::kTile), 0x5A);
        seed("codec_payload_fuzz", "bits-" + std::to_string(kBits[bits]), input);
    }
    train::RunState run;
    run.config = shrunk(formats::family_configs()[0].config, 4);
    run.options.texts = {"a.txt"};
    run.trainer = Bytes(64, 7);
    Bytes state = train::encode_run_state(run);
    state.resize(state.size() - Hash256::size());  // the target appends the hash
    seed("train_run_state_fuzz", "run", state);
    seed("worth_model_state_fuzz", "zeros", Bytes(64, 0));
}

void auditor_seeds() {
    SeededRandom random(1);
    const crypto::SecretKey secret = chain::test_secret(1);
    const auto file = [](std::uint8_t kind, const Bytes& bytes) {
        Bytes body = {kind};
        body.insert(body.end(), bytes.begin(), bytes.end());
        seed("serve_exhibit_fuzz", "kind-" + std::to_string(kind), body);
    };
    const serve::SessionTerms terms{
        .session = random.hash256(), .model = random.hash256(), .max_positions = 64};
    const std::vector<float> states = {1.5F, -2.0F};
    const auto receipt = serve::make_receipt(
        terms, {0, 2}, random.hash256(), serve::states_hash(7, states), secret, random.hash256());
    serve::Exhibit exhibit{terms, crypto::public_key(secret), receipt, {states, states}};
    file(0, serve::encode(exhibit));
    exhibit.terms.source_rows = 1;
    file(2, serve::encode(exhibit));  // 0 again
    trust::AuditBook book;
    trust::ServerPage page;
    page.end_layer = 2;
    book.enter(crypto::public_key(secret), page, trust::Finding::kRight, "right", 1, {});
    file(1, book.encode());
}

void peer_seeds() {
    net::Hello hello;
    hello.key = crypto::public_key(chain::test_secret(1));
    seed("net_hello_fuzz", "hello", net::encode_hello(hello));
    seed("net_hello_fuzz", "frame", net::encode_frame(1, as_bytes("body")));
    const auto relay_seed = [&](std::uint8_t kind, const std::string& name, const Bytes& body) {
        Bytes bytes(1, kind);
        bytes.insert(bytes.end(), body.begin(), body.end());
        seed("net_relay_fuzz", name, bytes);
    };
    relay_seed(0, "open", net::encode(net::CircuitKey{1, hello.key}));
    relay_seed(1, "accepted", net::encode(net::CircuitId{true, 1}));
    relay_seed(2, "data", net::encode(net::CircuitData{{false, 1}, Bytes(9, 1)}));
    relay_seed(3, "taken", net::encode(net::CircuitTaken{{true, 1}, 9}));
    relay_seed(4, "closed", net::encode(net::CircuitClosed{{false, 1}, "enough"}));
    seed("net_hello_fuzz", "address", as_bytes("10.0.0.1:9000"));
}

void weight_seeds() {
    SeededRandom random(1);
    const auto message = [](std::uint8_t kind, Bytes body) {
        body.insert(body.begin(), kind);
        seed("fetch_message_fuzz", "kind-" + std::to_string(kind), body);
    };
    const Hash256 name = random.hash256();
    const model::ModelConfig config = formats::family_configs().front().config;
    const model::ParameterLayout layout(config);
    fetch::Manifest manifest{fetch::Form::kFile, config, {}, name};
    manifest.types.assign(layout.tensors().size(), tensor::WeightType::kF32);
    const fetch::Leaves leaves{name, 5, Bytes(9, 1), {{name}, {random.hash256()}}};
    message(0, fetch::encode_ask_weights(name));
    message(1, fetch::encode(fetch::Weights{fetch::encode(manifest),
                                            fetch::Anchor{name, name, random.hash256()}}));
    message(2, fetch::encode(fetch::AskLeaves{name, 5, 32}));
    message(3, fetch::encode(leaves));
    message(4, fetch::encode(fetch::NoWeights{name, 5, fetch::Lack::kBusy}));
    message(5, fetch::encode(manifest));
    message(6, fetch::encode(leaves));
}

void serving_seeds() {
    SeededRandom random(1);
    const crypto::SecretKey secret = chain::test_secret(1);
    const auto message = [](std::uint8_t kind, Bytes body) {
        body.insert(body.begin(), kind);
        seed("serve_message_fuzz", "kind-" + std::to_string(kind), body);
    };
    const serve::SessionTerms terms{
        .session = random.hash256(), .model = random.hash256(), .max_positions = 64};
    const std::vector<float> states = {1.5F, -2.0F};
    const auto receipt = serve::make_receipt(
        terms, {0, 2}, random.hash256(), serve::states_hash(7, states), secret, random.hash256());
    serve::OpenSession open{terms, {0, 2}};
    message(0, serve::encode(open));
    open.terms.source_rows = 9;
    open.payment = serve::SessionPayment{{random.hash256(), 1}, 20, {}};
    message(7, serve::encode(open));  // 0 again
    message(5, serve::encode(serve::VoucherGiven{terms.session, 40, {}}));
    message(1, serve::encode(serve::SessionProblem{terms.session, serve::Refusal::kBusy, "full"}));
    const serve::Push push{.session = terms.session, .position = 7, .tokens = 1, .states = states};
    message(2, serve::encode(push));
    message(9, serve::encode(serve::PushResult{push, receipt}));  // 2 again
    message(3, serve::encode(serve::Progress{terms.session, 4, 3}));
    serve::Announce announce{.key = {},
                             .address = "10.0.0.1:9",
                             .model = terms.model,
                             .layers = {1, 4},
                             .genesis = random.hash256(),
                             .price = 250,
                             .rows_per_s = 900,
                             .load = 3,
                             .capacity = 8,
                             .issued_ms = 1'000'000,
                             .expires_ms = 1'060'000,
                             .signature = {}};
    serve::sign(announce, secret, random.hash256());
    message(4, serve::encode(announce));
    message(6, serve::encode_session_id(terms.session));
}

void part_seeds() {
    const auto sequence = [](const std::string& name,
                             const std::vector<serve::PartMessage>& messages) {
        Bytes input;
        for (const serve::PartMessage& message : messages) {
            input.push_back(static_cast<std::uint8_t>(static_cast<int>(message.kind) - 0x5501));
            input.push_back(static_cast<std::uint8_t>(message.body.size()));
            input.insert(input.end(), message.body.begin(), message.body.end());
        }
        seed("serve_part_fuzz", name, input);
    };
    using serve::PartKind;
    const std::vector<float> rows(16, 0.5F);  // two of width 8
    const auto heads = [&](std::uint32_t layer, std::uint32_t position) {
        return serve::PartMessage{PartKind::kHeads,
                                  serve::encode(serve::PartHeads{layer, {{1, position, 2}}, rows})};
    };
    const serve::PartMessage columns{PartKind::kColumns,
                                     serve::encode(serve::PartColumns{1, 2, rows})};
    sequence("pass", {heads(0, 0), columns, heads(1, 0), columns, heads(0, 2)});
    sequence("taken-back", {heads(0, 0), heads(1, 0), heads(0, 1), heads(1, 1)});
    sequence("caches", {{PartKind::kOpen, serve::encode(serve::PartOpen{2, {1, 2}, 8})},
                        {PartKind::kClose, serve::encode_part_close(1)},
                        heads(0, 0)});
    sequence("join",
             {{PartKind::kJoin, serve::encode(serve::PartJoin{{}, 1, {0, 2}, {0, 2, 0, 20}})}});
    sequence("answers", {{PartKind::kShare, serve::encode(serve::PartShare{2, rows})},
                         {PartKind::kRefused, serve::encode_part_reason("no")}});
}

void wallet_seeds() {
    SeededRandom random(1);
    const crypto::PublicKey key = crypto::public_key(chain::test_secret(1));
    seed("crypto_keystore_fuzz", "set", crypto::LtHash().state());
    seed("crypto_keystore_fuzz", "box",
         crypto::seal(as_bytes("secret"), "password", random, crypto::kKeystoreCheapest).value());
    seed("wallet_address_fuzz", "address", as_bytes(wallet::encode_address(key)));
    const auto seed_wallet = [](const std::string& name, ByteView bytes) {
        seed("wallet_secret_fuzz", name, bytes);
    };
    const auto master = wallet::master_key(Bytes(32, 1)).value();
    const wallet::Words words{wallet::new_entropy(12, random), Bytes{'p'}};
    const auto account = wallet::public_half(master);
    seed_wallet("old", wallet::encode({wallet::Seed{}, {1, 0, 0, 0}}).view());
    seed_wallet("words_file", wallet::encode({words, {1, 2, 3, 4}}).view());
    seed_wallet("watching", wallet::encode({account, {1, 0, 0, 0}}).view());
    seed_wallet("words", as_bytes(wallet::words_of(words.entropy.view())));
    seed_wallet("xpub", as_bytes(wallet::encode_public(account)));
    seed_wallet("xprv", as_bytes(wallet::encode_secret(master)));
}

void openai_seeds() {
    const auto request = [](const std::string& name, std::uint8_t kind, const std::string& text) {
        Bytes bytes{kind};
        bytes.insert(bytes.end(), text.begin(), text.end());
        seed("openai_request_fuzz", name, bytes);
    };
    request("chat", 0,
            R"({"model":"tiny","messages":[{"role":"system","content":"Be brief"},)"
            R"({"role":"user","content":[{"type":"text","text":"Hi"}]}],"stream":true,)"
            R"("stream_options":{"include_usage":true},"n":2,"stop":["a"],"seed":1})");
    request("completion", 1,
            R"({"prompt":["a",[1,2]],"logprobs":2,"logit_bias":{"5":-1},"temperature":0.5})");
    request("vectors", 2, R"({"model":"v","input":["a",[1]],"encoding_format":"base64"})");
    request("models", 19, "/v1/models/tiny");
    request("metrics", 19, "/metrics");
}

void node_message_seeds() {
    const chain::Block block = chain::sample_block();
    const auto message = [](node::MessageKind kind, Bytes body) {
        body.insert(body.begin(), static_cast<std::uint8_t>(static_cast<int>(kind) - 1));
        seed("node_message_fuzz", "kind-" + std::to_string(static_cast<int>(kind)), body);
    };
    using enum node::MessageKind;
    const Hash256 id = block.header.previous;
    message(kHello, node::encode(node::Hello{}));
    serve::Announce server;
    server.address = "10.0.0.1:8500";
    server.layers = {0, 4};
    message(kServers, node::encode(node::Servers{{server, server}}));
    message(kExhibits, node::encode(node::Exhibits{{{id, server.key, id, {0, 4}, 900}}}));
    message(kGetHeaders, node::encode(node::GetHeaders{{id, id}}));
    message(kHeaders, node::encode(node::Headers{{block.header}}));
    message(kGetBlock, node::encode_hash(id));
    message(kInventory, node::encode(node::Inventory{node::ItemKind::kPayment, {id}}));
    message(kPayment, chain::encode(block.payments[0]));
    message(kCommitment, chain::encode(block.commitments[0]));
    message(kContribution, chain::encode(block.contributions[0]));
    message(kGetAsset, node::encode(node::GetAsset{id, 7}));
    message(kAsset, node::encode(node::AssetChunk{id, 9, 7, Bytes(2, 1)}));
    message(kAddresses, node::encode(node::Addresses{{"10.0.0.1:9000"}}));
    message(kClock, node::encode_clock(1'790'000'000'000));
}

void session_seeds() {
    // Opens session 0 of layers 1 and 2 for 64 positions, pushes 3 rows, closes it.
    seed("serve_session_fuzz", "honest", Bytes{0, 0, 0, 64, 0, 1, 1, 0, 1, 0, 0, 2, 5, 0, 3, 0, 0});
    // Work hangs, two pushes, the link breaks, time passes.
    seed("serve_session_fuzz", "hangs", Bytes{1, 0, 1, 90, 1, 1,  2, 0, 4, 0, 1, 1, 1,  0,
                                              9, 3, 1, 1,  1, 10, 9, 3, 1, 6, 0, 5, 198});
    // With a decoder: a source of 20 rows, 3 rows of a text, its source anew, and closed.
    seed("serve_session_fuzz", "source",
         Bytes{0, 0, 0,  64, 0, 0, 20, 1, 1, 0, 1, 0,  0, 0, 19, 5, 1, 0, 1,
               0, 0, 20, 2,  5, 0, 0,  1, 0, 0, 4, 15, 6, 1, 0,  3, 0, 0, 2});
}

void api_seeds() {
    const auto request = [](const std::string& name, std::uint8_t flags, const std::string& target,
                            const std::string& body) {
        const std::string rest =
            target + std::string(1, '\0') + "localhost" + std::string(1, '\0') + body;
        Bytes bytes{flags};
        bytes.insert(bytes.end(), rest.begin(), rest.end());
        seed("api_request_fuzz", name, bytes);
    };
    const std::string hex = to_hex(api::fake_hash("key"));
    request("status", 0, "/v1/cairn/status", "");
    request("samples", 0, "/v1/cairn/samples", "");
    request("blocks", 4, "/v1/cairn/blocks?from=3&max=2", "");
    request("explain", 0, "/v1/cairn/explain?id=" + hex, "");
    request("height", 0, "/v1/cairn/explain?height=4", "");
    request("coins", 0, "/v1/cairn/coins?key=" + hex + "," + hex, "");
    request("pay", 3, "/v1/cairn/payments", R"({"payment": "00ff"})");
    request("write", 3, "/v1/cairn/generate", R"({"prompt": "And", "max_tokens": 4, "seed": 1})");
    request("export", 3, "/v1/cairn/export", R"({"folder": "", "replace": false})");
    api::FakeNode node(2);
    seed("api_answer_fuzz", "status", as_bytes(api::status_json(node.status())));
    node.merges(0, 2, [](const auto& merges) {
        seed("api_answer_fuzz", "blocks", as_bytes(api::blocks_json(*merges)));
    });
    node.coins_of({api::fake_hash("key")}, [](const auto& coins) {
        seed("api_answer_fuzz", "coins", as_bytes(api::coins_json(*coins)));
    });
    node::ServerView server;
    server.record.layers = {0, 4};
    seed("api_answer_fuzz", "servers", as_bytes(api::servers_json({server})));
}

}  // namespace

int main(int argc, char** argv) {
    if (argc != 2) {
        std::fprintf(stderr, "usage: write_seeds DIR\n");
        return 2;
    }
    root = argv[1];
    model_seeds();
    text_seeds();
    chain_seeds();
    auditor_seeds();
    attention_seeds(seed);
    peer_seeds();
    weight_seeds();
    serving_seeds();
    part_seeds();
    wallet_seeds();
    node_message_seeds();
    openai_seeds();
    session_seeds();
    api_seeds();
    return 0;
}
