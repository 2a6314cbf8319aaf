// CONSENSUS: changing a result here splits the network.
#include "chain/block.h"

#include <algorithm>

#include "base/check.h"
#include "chain/body_tree.h"
#include "crypto/hash.h"
#include "crypto/merkle.h"

namespace cairn::chain {
namespace {

void write_coinbase(Writer& writer, const Coinbase& coinbase) {
    writer.u32(coinbase.height);
    writer.fixed(coinbase.miner);
    writer.count(coinbase.outputs.size());
    for (const Output& output : coinbase.outputs) write(writer, output);
    writer.u8(coinbase.steps.outer_step);
    writer.u8(coinbase.steps.public_step);
}

Coinbase read_coinbase(Reader& reader) {
    Coinbase coinbase;
    coinbase.height = reader.u32();
    coinbase.miner = reader.fixed<32>();
    const std::size_t count = reader.count(kMaxCoinbaseOutputs, kKeyOutputBytes);
    for (std::size_t i = 0; i < count && !reader.failed(); ++i) {
        coinbase.outputs.push_back(read_output(reader));
        if (coinbase.outputs[i].kind != OutputKind::kKey)
            reader.fail("a coinbase pays keys, not channels");
        if (i > 0 && !(coinbase.outputs[i - 1].key < coinbase.outputs[i].key))
            reader.fail("a coinbase's outputs must be sorted by key, each key once");
    }
    coinbase.steps.outer_step = reader.u8();
    coinbase.steps.public_step = reader.u8();
    return coinbase;
}

/// Reads a list whose ids must ascend. `min_bytes`: of the smallest encoding; the reader refuses a
/// count of more elements than the input can hold.
template <typename T, typename ReadOne, typename IdOf>
std::vector<T> read_list(Reader& reader, std::size_t min_bytes, const char* what, ReadOne read_one,
                         IdOf id_of) {
    std::vector<T> list;
    Hash256 last;
    const std::size_t count = reader.count(kMaxListLength, min_bytes);
    for (std::size_t i = 0; i < count && !reader.failed(); ++i) {
        list.push_back(read_one(reader));
        const Hash256 id = id_of(list.back());
        if (i > 0 && !(last < id))
            reader.fail(std::string("a block's ") + what + " must be sorted by id, each once");
        last = id;
    }
    return list;
}

template <typename T, typename IdOf>
void sort_list(std::vector<T>& list, IdOf id_of) {
    std::vector<std::pair<Hash256, std::size_t>> order;
    for (std::size_t i = 0; i < list.size(); ++i) order.emplace_back(id_of(list[i]), i);
    std::sort(order.begin(), order.end());
    std::vector<T> sorted;
    sorted.reserve(list.size());
    for (const auto& [id, index] : order) sorted.push_back(std::move(list[index]));
    list = std::move(sorted);
}

Hash256 contribution_id(const Contribution& contribution) { return contribution.commitment_id; }

}  // namespace

FixedBytes<kHeaderBytes> header_bytes(const BlockHeader& header) {
    Writer writer;
    writer.u16(header.versions.numerics);
    writer.u16(header.versions.rules);
    writer.fixed(header.previous);
    writer.fixed(header.body_root);
    writer.fixed(header.state_root);
    writer.u64(header.time_ms);
    writer.u32(header.target);
    writer.u64(header.nonce);
    FixedBytes<kHeaderBytes> bytes;
    CHECK(writer.out().size() == kHeaderBytes);
    std::copy(writer.out().begin(), writer.out().end(), bytes.bytes.begin());
    return bytes;
}

BlockHeader read_header(Reader& reader) {
    BlockHeader header;
    header.versions.numerics = reader.u16();
    header.versions.rules = reader.u16();
    header.previous = reader.fixed<32>();
    header.body_root = reader.fixed<32>();
    header.state_root = reader.fixed<32>();
    header.time_ms = reader.u64();
    header.target = reader.u32();
    header.nonce = reader.u64();
    return header;
}

Result<BlockHeader> decode_header(ByteView bytes) {
    Reader reader(bytes);
    const BlockHeader header = read_header(reader);
    RETURN_IF_ERROR(reader.finish());
    return header;
}

Hash256 block_hash(const BlockHeader& header) {
    return crypto::sha256d(header_bytes(header).view());
}

Hash256 work_hash(WorkFunction work, const BlockHeader& header) {
    return work_hash(work, header_bytes(header).view());
}

Bytes encode(const Coinbase& coinbase) {
    Writer writer;
    write_coinbase(writer, coinbase);
    return std::move(writer).take();
}

Result<Coinbase> decode_coinbase(ByteView bytes) {
    Reader reader(bytes);
    Coinbase coinbase = read_coinbase(reader);
    RETURN_IF_ERROR(reader.finish());
    return coinbase;
}

Hash256 coinbase_id(const Coinbase& coinbase) {
    static const crypto::TaggedHasher hasher("cairn/coinbase-id");
    return hasher(encode(coinbase));
}

Bytes encode(const Block& block) {
    Writer writer;
    writer.fixed(header_bytes(block.header));
    write_coinbase(writer, block.coinbase);
    writer.count(block.payments.size());
    for (const Payment& payment : block.payments) write(writer, payment);
    writer.count(block.commitments.size());
    for (const Commitment& commitment : block.commitments) write(writer, commitment);
    writer.count(block.contributions.size());
    for (const Contribution& contribution : block.contributions) write(writer, contribution);
    return std::move(writer).take();
}

Result<Block> decode_block(ByteView bytes) {
    if (bytes.size() > kMaxBlockBytes)
        return invalid("a block has at most " + std::to_string(kMaxBlockBytes) + " bytes");
    Reader reader(bytes);
    Block block;
    block.header = read_header(reader);
    block.coinbase = read_coinbase(reader);
    block.payments =
        read_list<Payment>(reader, payment_bytes(1, 1), "payments", read_payment, payment_id);
    block.commitments = read_list<Commitment>(reader, kCommitmentBytes, "commitments",
                                              read_commitment, commitment_id);
    block.contributions = read_list<Contribution>(reader, contribution_bytes(0), "contributions",
                                                  read_contribution, contribution_id);
    RETURN_IF_ERROR(reader.finish());
    return block;
}

void sort_body(Block& block) {
    std::sort(block.coinbase.outputs.begin(), block.coinbase.outputs.end(),
              [](const Output& a, const Output& b) { return a.key < b.key; });
    sort_list(block.payments, payment_id);
    sort_list(block.commitments, commitment_id);
    sort_list(block.contributions, contribution_id);
}

Hash256 body_root(const Block& block) {
    const auto leaves = body_leaves(block);
    std::array<Hash256, kBodyLists> roots;
    for (std::size_t list = 0; list < kBodyLists; ++list)
        roots[list] = crypto::merkle_root(leaves[list]);
    return root_of_lists(roots);
}

Block make_genesis(const NetworkDefinition& network, const Hash256& state_root) {
    Block block;
    block.header.versions = network.versions_at(0);
    block.header.previous = genesis_id(network);
    block.header.state_root = state_root;
    block.header.time_ms = network.genesis_time_ms;
    block.header.target = network.first_target;
    block.header.body_root = body_root(block);
    return block;
}

}  // namespace cairn::chain
