#include "argument/replay.h"

#include <algorithm>
#include <bit>
#include <utility>

#include "argument/multilinear.h"
#include "base/check.h"
#include "base/encoding.h"

namespace cairn::argument {

namespace {

constexpr unsigned kColumnLog = 3;
static_assert(kColumns == 1U << kColumnLog);

}  // namespace

LookupTerms begin(Transcript& transcript, const Proof& proof) {
    Writer writer;
    for (const std::uint64_t sum : proof.row_sums) writer.u64(sum);
    for (const std::uint32_t count : proof.multiplicities) writer.u32(count);
    transcript.absorb("commitment", proof.root.view());
    transcript.absorb("row sums and multiplicities", writer.out());
    LookupTerms terms;
    terms.beta = transcript.challenge();
    terms.rho = transcript.challenge();
    return terms;
}

unsigned width_log(const Sizes& sizes) {
    return static_cast<unsigned>(std::bit_width(sizes.head_dim - 1));
}

Outputs begin_outputs(Transcript& transcript, const Sizes& sizes, std::vector<Fp2> lookup) {
    Outputs outputs;
    outputs.terms.row = transcript.challenges(padded_log(sizes.rows));
    outputs.width_weights = place_weights(transcript.challenges(width_log(sizes)));
    outputs.width_weights.resize(sizes.head_dim);
    outputs.terms.lookup = std::move(lookup);
    outputs.terms.gamma = transcript.challenge();
    outputs.terms.alpha = transcript.challenge();
    return outputs;
}

RowWeights begin_opening(Transcript& transcript, unsigned log, std::span<const Fp2> point) {
    RowWeights weights;
    weights.mix = transcript.challenges(kColumnLog);
    std::vector<Fp2> all = weights.mix;
    all.insert(all.end(), point.begin(), point.end());
    const MatrixShape shape = matrix_shape(log);
    weights.value = place_weights(std::span(all).first(shape.row_log));
    weights.random = transcript.challenges(shape.rows());
    return weights;
}

Queries begin_queries(Transcript& transcript, const Proof& proof) {
    transcript.absorb("row by the point", proof.value_row);
    transcript.absorb("row at random", proof.random_row);
    Queries queries;
    queries.theta = transcript.challenge();
    std::vector<std::size_t>& places = queries.places;
    places = transcript.places(kQueries, matrix_shape(padded_log(proof.rows)).word_size());
    std::sort(places.begin(), places.end());
    places.erase(std::unique(places.begin(), places.end()), places.end());
    return queries;
}

Result<Replay> replay(const Sizes& sizes, const Hash256& statement, const Proof& proof) {
    if (proof.rows != sizes.rows) return invalid("the proof is for another number of rows");
    Transcript transcript(statement);
    Replay result;
    result.statement = statement;
    result.log = padded_log(sizes.rows);
    result.lookup = begin(transcript, proof);
    Listener listener(transcript, proof.messages);
    ASSIGN_OR_RETURN(result.fractions,
                     hear_fractions(tensor::kDigitCount, 2 * result.log, listener));
    result.lookup_columns = listener.hear("columns at the lookup's point", kColumns);
    result.outputs = begin_outputs(transcript, sizes, result.fractions.point);
    result.rounds = hear_weighing(result.log, listener);
    result.columns = listener.hear("columns at the last point", kColumns);
    CHECK(listener.rest().empty());
    result.weights = begin_opening(transcript, result.log, result.rounds.point);
    result.queries = begin_queries(transcript, proof);
    if (proof.columns.size() != result.queries.places.size())
        return invalid("the proof opens other columns than those asked for");
    return result;
}

}  // namespace cairn::argument
