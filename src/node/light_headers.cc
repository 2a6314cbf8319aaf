#include "node/light_headers.h"

#include "base/files.h"
#include "base/log.h"
#include "consensus/coins.h"
#include "consensus/rules_state.h"
#include "consensus/state_root.h"
#include "crypto/hash.h"
#include "node/header_walk.h"

namespace cairn::node {

namespace {

constexpr std::string_view kMagic = "CAIRNHDR";
constexpr std::size_t kMaxFileBytes =
    kMagic.size() + LightHeaders::kMaxHeaders * chain::kHeaderBytes + Hash256::kSize;

/// Section 6 of chain.md: the first model, no coins, target 0 and empty lists.
Hash256 first_state_root(const chain::NetworkDefinition& network, const Hash256& model_root) {
    Writer no_merges;
    no_merges.count(0);
    const Hash256 recent = crypto::tagged_hash("cairn/recent-merges", no_merges.out());
    return consensus::state_root(model_root, consensus::CoinSet().root(),
                                 consensus::RulesState(network).root(recent));
}

}  // namespace

LightHeaders::LightHeaders(const chain::NetworkDefinition& network, const Hash256& model_root,
                           std::size_t max_headers)
    : network_(network),
      max_headers_(max_headers),
      tree_(std::make_unique<BlockTree>(
          chain::make_genesis(network, first_state_root(network, model_root)))) {}

void LightHeaders::load(const std::string& path, std::uint64_t now_ms) {
    if (!exists(path)) return;
    const auto bytes = read_file(path, kMaxFileBytes);
    if (!bytes.ok() || bytes->size() < kMagic.size() + Hash256::kSize) return;
    const ByteView body = ByteView(*bytes).first(bytes->size() - Hash256::kSize);
    Reader reader(body);
    if (as_text(reader.raw(kMagic.size())) != kMagic ||
        crypto::sha256(body) != Reader(ByteView(*bytes).last(Hash256::kSize)).fixed<32>()) {
        log_warn("{} is damaged: the headers are fetched anew", path);
        return;
    }
    std::vector<chain::BlockHeader> headers(reader.remaining() / chain::kHeaderBytes);
    for (chain::BlockHeader& header : headers) header = chain::read_header(reader);
    // Their work was checked before they were written.
    if (reader.finish().ok() && take(headers, now_ms, consensus::Work::kKnown).ok())
        saved_ = best()->hash;
}

Status LightHeaders::save(const std::string& path) {
    if (saved_ == best()->hash) return ok_status();
    Writer writer;
    writer.raw(as_bytes(kMagic));
    for (const BlockNode* node : node::path(tree_->genesis(), best()))
        writer.fixed(chain::header_bytes(node->header));
    Bytes bytes = std::move(writer).take();
    const Hash256 sum = crypto::sha256(bytes);
    bytes.insert(bytes.end(), sum.bytes.begin(), sum.bytes.end());
    RETURN_IF_ERROR(write_file(path, bytes));
    saved_ = best()->hash;
    return ok_status();
}

Result<LightHeaders::Taken> LightHeaders::take(std::span<const chain::BlockHeader> headers,
                                               std::uint64_t now_ms, consensus::Work work,
                                               Counted counted) {
    const chain::Versions newest = consensus::own_rule_book().newest();
    while (!headers.empty() && tree_->find(chain::block_hash(headers.front())) != nullptr)
        headers = headers.subspan(1);
    if (headers.empty()) return Taken{};
    const BlockNode* parent = tree_->find(headers.front().previous);
    if (parent == nullptr) return invalid("it sent headers that hang in the air");
    HeaderWalk walk(parent);
    std::size_t good = 0;
    for (; good < headers.size(); ++good) {
        const Verdict verdict = walk.step(network_, newest, headers[good], now_ms, work);
        if (verdict.is_undecided()) break;
        if (!verdict.is_valid())
            return invalid("it sent an invalid header of height " +
                           std::to_string(walk.height() + 1) + ": " + verdict.reason());
    }
    if (good == 0) return Taken{};
    if (counted == Counted::kNo && walk.work() <= best()->work) return Taken{0, true};
    if (tree_->size() + good > max_headers_)
        return Error{ErrorCode::kFull, "it sends more headers than this program keeps"};
    for (const chain::BlockHeader& header : headers.first(good)) tree_->add(header);
    return Taken{good, false};
}

}  // namespace cairn::node
