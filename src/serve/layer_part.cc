#include "serve/layer_part.h"

#include <algorithm>
#include <set>

#include <fmt/core.h>

#include "base/bytes_text.h"
#include "base/float_mode.h"
#include "base/log.h"
#include "serve/route.h"

namespace cairn::serve {

using model::KvCache;
using tensor::Matrix;

/// A share that the lead asked for, ready to compute.
struct LayerPart::Joined {
    PartJoin terms;
    model::Model share;  // its weights alone, packed
    model::ShareLayers layers;

    Joined(const PartJoin& join, model::Model packed, const tensor::Compute& compute)
        : terms(join),
          share(std::move(packed)),
          layers(share.config, join.share, share.weights, compute, max_part_rows(share.config),
                 share.config.context) {}
};

LayerPart::LayerPart(ModelSnapshot whole, model::LayerRange held, const tensor::Compute& compute,
                     const LayerPartOptions& options)
    : whole_(std::move(whole)), held_(held), compute_(compute), options_(options) {
    CHECK(has_layers(whole_, held_));
}

LayerPart::~LayerPart() = default;

void LayerPart::forget() {
    caches_.clear();
    cache_bytes_ = 0;
}

std::optional<PartMessage> LayerPart::answer(PartKind kind, ByteView body) {
    set_float_mode();
    const auto done = [](PartKind answer, Result<Bytes> made) -> PartMessage {
        if (made.ok()) return {answer, std::move(made).value()};
        return {PartKind::kRefused, encode_part_reason(made.error().message)};
    };
    const auto empty = [](const Status& status) -> Result<Bytes> {
        if (!status.ok()) return status.error();
        return Bytes();
    };
    switch (kind) {
        case PartKind::kJoin:
            return done(PartKind::kJoined, empty(join(body)));
        case PartKind::kOpen:
            return done(PartKind::kOpened, empty(open(body)));
        case PartKind::kHeads:
            return done(PartKind::kShare, heads(body));
        case PartKind::kColumns:
            return done(PartKind::kShare, columns(body));
        case PartKind::kAskAlive:
            return PartMessage{PartKind::kAlive, {}};
        case PartKind::kClose:
            if (const auto cache = decode_part_close(body); cache.ok()) close(*cache);
            return std::nullopt;
        default:
            return std::nullopt;
    }
}

Status LayerPart::join(ByteView body) {
    ASSIGN_OR_RETURN(const PartJoin message, decode_part_join(body));
    if (!whole_.is_called(message.model))
        return Error{ErrorCode::kRefused, "this part holds model " + short_hex(whole_.hash) +
                                              ", not " + short_hex(message.model) +
                                              ": start it with the lead's file"};
    if (message.numerics != kNumericsVersion)
        return Error{ErrorCode::kRefused,
                     fmt::format("this part computes by numerics version {}, the lead by {}: "
                                 "they want the same version of this program",
                                 kNumericsVersion, message.numerics)};
    if (message.layers.begin < held_.begin || message.layers.end > held_.end)
        return Error{ErrorCode::kRefused, "this part holds " + describe(held_) + ", not " +
                                              describe(message.layers) +
                                              ": start it with the lead's --serve"};
    RETURN_IF_ERROR(model::can_be_divided(whole_.config));
    RETURN_IF_ERROR(model::check_share(whole_.config, message.share));
    forget();
    if (joined_ && joined_->terms == message) return ok_status();
    joined_.reset();  // before there is another in memory
    model::Model share;
    share.config = whole_.config;
    share.weights =
        model::share_weights(whole_.config, whole_.weights, message.layers, message.share);
    joined_ = std::make_unique<Joined>(message, model::pack_model(compute_, share), compute_);
    log_info("a share of {}: groups {}-{} of {} heads, columns {}-{} of {}, {} of weights",
             describe(message.layers), message.share.group_begin, message.share.group_end,
             whole_.config.kv_heads, message.share.column_begin, message.share.column_end,
             whole_.config.hidden_dim, bytes_text(model::packed_model_bytes(share)));
    return ok_status();
}

Status LayerPart::open(ByteView body) {
    ASSIGN_OR_RETURN(const PartOpen message, decode_part_open(body));
    if (!joined_) return Error{ErrorCode::kRefused, "no lead has joined"};
    const model::LayerRange layers = joined_->terms.layers;
    if (message.layers.begin < layers.begin || message.layers.end > layers.end)
        return invalid("a cache of " + describe(message.layers) + ", but the lead joined for " +
                       describe(layers));
    if (message.positions == 0 || message.positions > whole_.config.context)
        return invalid(
            fmt::format("positions must be 1 to the model's context of {}", whole_.config.context));
    if (joined_->terms.share.groups() == 0) return invalid("this share has no heads");
    if (caches_.contains(message.cache)) return invalid("this cache is open");
    const std::uint64_t bytes = model::kv_cache_bytes(joined_->layers.config(), message.layers,
                                                      message.positions, message.kv);
    if (caches_.size() >= options_.max_caches || cache_bytes_ + bytes > options_.max_cache_bytes)
        return Error{ErrorCode::kFull, "all of this part's memory for caches is taken"};
    caches_[message.cache] = std::make_unique<KvCache>(joined_->layers.config(), message.layers,
                                                       message.positions, message.kv);
    cache_bytes_ += bytes;
    return ok_status();
}

void LayerPart::close(std::uint64_t cache) {
    const auto found = caches_.find(cache);
    if (found == caches_.end()) return;
    const KvCache& closed = *found->second;
    cache_bytes_ -= model::kv_cache_bytes(joined_->layers.config(), closed.range(),
                                          closed.capacity(), closed.type());
    caches_.erase(found);
}

Status LayerPart::check_rows(std::uint32_t layer, std::size_t rows, std::size_t numbers) const {
    if (!joined_) return Error{ErrorCode::kRefused, "no lead has joined"};
    if (!joined_->terms.layers.contains(layer))
        return invalid(fmt::format("layer {}, but the lead joined for {}", layer,
                                   describe(joined_->terms.layers)));
    const model::ModelConfig& config = whole_.config;
    if (rows > max_part_rows(config) || numbers != rows * config.dim)
        return invalid(fmt::format("a message has up to {} rows of {} numbers",
                                   max_part_rows(config), config.dim));
    return ok_status();
}

Result<std::vector<model::Segment>> LayerPart::segments_of(const PartHeads& message) {
    std::vector<model::Segment> segments;
    std::set<std::uint64_t> seen;
    for (const PartSequence& sequence : message.sequences) {
        const auto found = caches_.find(sequence.cache);
        if (found == caches_.end()) return invalid("rows of a cache that is not open");
        KvCache& cache = *found->second;
        if (!seen.insert(sequence.cache).second) return invalid("a cache is named twice");
        if (!cache.range().contains(message.layer))
            return invalid(
                fmt::format("layer {} of a cache of {}", message.layer, describe(cache.range())));
        if (sequence.position > cache.length() ||
            sequence.rows > cache.capacity() - sequence.position)
            return invalid(fmt::format("rows {}-{} of a cache that has {} of {}", sequence.position,
                                       std::uint64_t{sequence.position} + sequence.rows,
                                       cache.length(), cache.capacity()));
        segments.push_back({&cache, sequence.rows});
    }
    for (std::size_t i = 0; i < segments.size(); ++i)
        segments[i].cache->truncate(message.sequences[i].position);
    return segments;
}

namespace {

Bytes packed(Matrix made) {
    const std::size_t count = made.rows * made.cols;
    return encode(PartShare{static_cast<std::uint32_t>(made.rows),
                            std::vector<float>(made.data, made.data + count)});
}

}  // namespace

Result<Bytes> LayerPart::heads(ByteView body) {
    ASSIGN_OR_RETURN(PartHeads message, decode_part_heads(body));
    std::size_t rows = 0;
    for (const PartSequence& sequence : message.sequences) rows += sequence.rows;
    RETURN_IF_ERROR(check_rows(message.layer, rows, message.states.size()));
    if (joined_->terms.share.groups() == 0) return invalid("this share has no heads");
    ASSIGN_OR_RETURN(const std::vector<model::Segment> segments, segments_of(message));
    const Matrix made = joined_->layers.heads(
        message.layer, {message.states.data(), rows, whole_.config.dim}, segments);
    // The last layer of a pass: its positions count from now on.
    for (const model::Segment& segment : segments)
        if (message.layer + 1 == segment.cache->range().end) segment.cache->advance(segment.tokens);
    rows_ += rows;
    return packed(made);
}

Result<Bytes> LayerPart::columns(ByteView body) {
    ASSIGN_OR_RETURN(PartColumns message, decode_part_columns(body));
    RETURN_IF_ERROR(check_rows(message.layer, message.rows, message.states.size()));
    if (joined_->terms.share.columns() == 0) return invalid("this share has no columns");
    return packed(joined_->layers.columns(
        message.layer, {message.states.data(), message.rows, whole_.config.dim}));
}

}  // namespace cairn::serve
