// Small valid inputs for the fuzz targets of proofs of attention: seeds of write_seeds_main.cc.
#pragma once

#include <functional>
#include <string>
#include <vector>

#include "argument/argument.h"
#include "chain/test_objects.h"
#include "serve/attention_messages.h"
#include "serve/attention_share.h"

namespace cairn {

/// Writes one: target, name, content.
using WriteSeed = std::function<void(const std::string&, const std::string&, ByteView)>;

inline void argument_seeds(const WriteSeed& seed) {
    for (const std::uint32_t rows : {1U, 3U}) {
        const std::vector<std::int16_t> ones(rows, 1);
        const auto statement = argument::make_statement({rows, 1, 0}, ones, ones, ones);
        seed("attention_argument_fuzz", "rows-" + std::to_string(rows),
             argument::prove(statement).value());
    }
}

/// A session's attention, asked for, answered, in a file and in a share.
inline void attention_seeds(const WriteSeed& seed) {
    argument_seeds(seed);
    SeededRandom random(1);
    const crypto::SecretKey secret = chain::test_secret(1);
    const serve::SessionTerms terms{.session = random.hash256(),
                                    .model = random.hash256(),
                                    .kv = tensor::KvType::kDigits,
                                    .max_positions = 64};
    const serve::Receipt receipt = serve::make_receipt(terms, {0, 2}, random.hash256(),
                                                       random.hash256(), secret, random.hash256());
    const std::vector<std::int16_t> ones(3, 1);
    const auto statement = argument::make_statement({3, 1, 0}, ones, ones, ones);
    const audit::HeadClaim claim{
        {1, 0}, statement.shifts, statement.sums, argument::prove(statement).value()};
    const auto file = [&](std::uint8_t kind, const std::string& name, const Bytes& bytes) {
        Bytes body = {kind};
        body.insert(body.end(), bytes.begin(), bytes.end());
        seed("serve_attention_fuzz", name, body);
    };
    const serve::AttentionQuestion question{terms, receipt, {{0, 1}, {1, 0}}, {1.5F, -2.0F}};
    file(0, "question", serve::encode(question));
    file(1, "answer", serve::encode(serve::AttentionAnswer{terms.session, claim}));
    file(2, "proof",
         serve::encode(serve::AttentionProof{terms, crypto::public_key(secret), receipt, {claim}}));
    serve::AttentionShare share{random.hash256(), 0, 2, {}, true, {}};
    share.heads.push_back(
        {claim.place, statement.sizes, argument::check_share(statement, claim.proof, 0, 2), 0});
    file(3, "share", serve::encode(share));
    share = {share.proof, 1, 2, "a fault", false, {}};
    file(3, "fault", serve::encode(share));
}

}  // namespace cairn
