#include "audit/proved_heads.h"

#include <algorithm>
#include <cmath>
#include <utility>

#include <fmt/core.h>

#include "audit/head_walk.h"
#include "base/encoding.h"
#include "crypto/hash.h"
#include "model/held_layers.h"

namespace cairn::audit {

Status check_session(const model::ModelConfig& config, const model::Weights& weights,
                     const HeadSession& session) {
    if (!config.causal || config.crosses())
        return Error{ErrorCode::kUnsupported,
                     "attention is proved of models that write token by token"};
    if (!model::has_layers(config, weights, session.layers))
        return not_found("the layers of this session are not here");
    const std::size_t rows = session.inputs.size() / config.dim;
    if (rows == 0 || rows * config.dim != session.inputs.size() || rows > config.context)
        return invalid("the inputs are not rows of a sequence of this model");
    if (rows > argument::kMaxRows)
        return Error{ErrorCode::kUnsupported,
                     fmt::format("attention is proved of {} rows at most, the session has {}",
                                 argument::kMaxRows, rows)};
    if (!std::ranges::all_of(session.inputs, [](float x) { return std::isfinite(x); }))
        return invalid("the inputs are not finite");
    return ok_status();
}

namespace {

/// `places` ascend, and are heads of the session's layers.
template <typename Range, typename PlaceOf>
Status check_places(const model::ModelConfig& config, model::LayerRange layers, const Range& all,
                    const PlaceOf& place_of) {
    for (std::size_t i = 0; i < all.size(); ++i) {
        const HeadPlace place = place_of(all[i]);
        if (!layers.contains(place.layer) || place.head >= config.heads)
            return invalid(
                fmt::format("head {} of layer {} is none of the session's: it went through layers "
                            "{}-{} with {} heads each",
                            place.head, place.layer, layers.begin, layers.end, config.heads));
        if (i > 0 && place <= place_of(all[i - 1])) return invalid("heads must ascend");
    }
    return ok_status();
}

}  // namespace

Hash256 proof_is_about(const Hash256& session, HeadPlace place) {
    static const crypto::TaggedHasher hasher("cairn/attention/1");
    Writer writer;
    writer.fixed(session);
    writer.u32(place.layer);
    writer.u32(place.head);
    return hasher(writer.out());
}

Result<std::vector<HeadClaim>> prove_heads(const model::ModelConfig& config,
                                           const model::Weights& weights,
                                           const HeadSession& session,
                                           std::span<const HeadPlace> heads,
                                           const tensor::Compute& compute,
                                           const std::function<bool()>& cancelled) {
    RETURN_IF_ERROR(check_session(config, weights, session));
    RETURN_IF_ERROR(
        check_places(config, session.layers, heads, [](HeadPlace place) { return place; }));
    std::vector<HeadClaim> claims;
    if (heads.empty()) return claims;
    std::vector<float> hidden(session.inputs.begin(), session.inputs.end());
    HeadWalk walk(config, weights, compute, hidden.size() / config.dim);
    const auto unless_cancelled = [&cancelled]() -> Status {
        if (cancelled && cancelled()) return Error{ErrorCode::kCancelled, "broken off"};
        return ok_status();
    };
    // Behind the last of these heads nobody asks.
    const model::LayerRange layers{session.layers.begin, heads.back().layer + 1};
    const auto take = [&](HeadPlace place, argument::Statement& statement) -> Status {
        RETURN_IF_ERROR(unless_cancelled());
        statement = argument::make_statement(statement.sizes, statement.queries, statement.keys,
                                             statement.values);
        statement.about = proof_is_about(session.name, place);
        ASSIGN_OR_RETURN(Bytes proof, argument::prove(statement));
        claims.push_back({place, statement.shifts, statement.sums, std::move(proof)});
        return ok_status();
    };
    RETURN_IF_ERROR(walk.run(
        hidden, layers, session.states, [&](std::uint32_t) { return unless_cancelled(); },
        [&](HeadPlace place) { return std::ranges::binary_search(heads, place); }, take));
    return claims;
}

Result<CheckedLayers> check_heads(const model::ModelConfig& config, const model::Weights& weights,
                                  const HeadSession& session, std::span<const HeadClaim> claims,
                                  ShareOf share, const tensor::Compute& compute,
                                  const Clock& clock) {
    CHECK(share.share < share.shares && share.shares <= argument::kMaxShares);
    RETURN_IF_ERROR(check_session(config, weights, session));
    const auto place_of = [](const HeadClaim& claim) { return claim.place; };
    RETURN_IF_ERROR(check_places(config, session.layers, claims, place_of));
    const std::size_t rows = session.inputs.size() / config.dim;
    for (const HeadClaim& claim : claims)
        if (claim.shifts.size() != rows || claim.sums.size() != rows * config.head_dim())
            return invalid(fmt::format("what is claimed of head {} of layer {} is not of {} rows",
                                       claim.place.head, claim.place.layer, rows));
    CheckedLayers checked;
    checked.outputs.assign(session.inputs.begin(), session.inputs.end());
    HeadWalk walk(config, weights, compute, rows);
    RETURN_IF_ERROR(walk.run(
        checked.outputs, session.layers, session.states, [](std::uint32_t) { return ok_status(); },
        [&](HeadPlace place) {
            return std::ranges::binary_search(claims, place, {}, &HeadClaim::place);
        },
        [&](HeadPlace place, argument::Statement& statement) {
            const HeadClaim& claim = claims[checked.heads.size()];
            CHECK(claim.place == place);
            statement.shifts = claim.shifts;
            statement.sums = claim.sums;
            statement.about = proof_is_about(session.name, place);
            const std::uint64_t began = clock.monotonic_us();
            CheckedHead head{place, statement.sizes, {}, 0};
            head.part = argument::check_share(statement, claim.proof, share.share, share.shares);
            head.check_us = clock.monotonic_us() - began;
            checked.heads.push_back(std::move(head));
            return ok_status();
        }));
    return checked;
}

}  // namespace cairn::audit
