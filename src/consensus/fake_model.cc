#include "consensus/fake_model.h"

#include <algorithm>

#include "base/check.h"
#include "base/encoding.h"
#include "base/int128.h"
#include "crypto/hash.h"

namespace cairn::consensus {
namespace {

constexpr std::int32_t kBound = 1 << 30;

struct FakeUndo final : ModelUndo {
    std::vector<std::int32_t> theta;
    std::deque<Delta> recent;
};

void write_numbers(Writer& writer, const std::vector<std::int32_t>& numbers) {
    writer.count(numbers.size());
    for (const std::int32_t number : numbers) writer.i32(number);
}

std::vector<std::int32_t> read_numbers(Reader& reader, std::size_t count) {
    std::vector<std::int32_t> numbers(reader.count(count, 4));
    if (numbers.size() != count) reader.fail("fake model: wrong number of parameters");
    for (std::int32_t& number : numbers) number = reader.i32();
    return numbers;
}

std::vector<std::int32_t> moved(const std::vector<std::int32_t>& theta, const Delta& step) {
    std::vector<std::int32_t> result(theta.size());
    for (std::size_t i = 0; i < theta.size(); ++i) {
        const std::int64_t sum = std::int64_t{theta[i]} + step[i];
        result[i] = static_cast<std::int32_t>(std::clamp<std::int64_t>(sum, -kBound, kBound));
    }
    return result;
}

}  // namespace

std::vector<std::int64_t> FakeModel::slope(const Hash256& judge_seed) const {
    std::vector<std::int64_t> slope(theta_.size());
    for (std::size_t i = 0; i < slope.size(); ++i)
        slope[i] = 1000 + static_cast<std::int64_t>(i) * 100 + judge_seed.bytes[i % 32] % 16;
    return slope;
}

Bytes FakeModel::payload_of(const Delta& delta) {
    Writer writer;
    write_numbers(writer, delta);
    return std::move(writer).take();
}

Hash256 FakeModel::root() const {
    Writer writer;
    write_numbers(writer, theta_);
    return crypto::tagged_hash("cairn/fake-model", writer.out());
}

Hash256 FakeModel::recent_merges_root() const {
    Writer writer;
    for (const Delta& merged : recent_) write_numbers(writer, merged);
    return crypto::tagged_hash("cairn/fake-merges", writer.out());
}

Result<Delta> FakeModel::decode(ByteView payload, const Hash256&) const {
    Reader reader(payload);
    Delta delta = read_numbers(reader, theta_.size());
    RETURN_IF_ERROR(reader.finish());
    for (const std::int32_t entry : delta) {
        if (entry > kBound || entry < -kBound) return invalid("an entry is out of bounds");
    }
    return delta;
}

std::uint64_t FakeModel::norm(const Delta& delta) const {
    Uint128 square = 0;
    for (const std::int32_t entry : delta)
        square += static_cast<Uint128>(std::int64_t{entry} * entry);
    std::uint64_t root = 0;
    for (int bit = 62; bit >= 0; --bit) {
        const std::uint64_t trial = root | std::uint64_t{1} << bit;
        if (static_cast<Uint128>(trial) * trial <= square) root = trial;
    }
    return root;
}

Result<DeltaJudgement> FakeModel::judge(JudgeKernels kernels, const Hash256& judge_seed,
                                        const Delta& delta) {
    ++questions;
    if (fails(kernels)) return io_error("the fake model is broken");
    DeltaJudgement judgement;
    judgement.norm = norm(delta);
    const std::vector<std::int64_t> slopes = slope(judge_seed);
    const std::vector<std::int64_t> merged = merged_sum();
    for (std::size_t i = 0; i < delta.size(); ++i) {
        const Int128 gradient = slopes[i] + 2 * curvature * theta_[i];
        judgement.score -= gradient * delta[i];
        judgement.dot_merged += static_cast<Int128>(merged[i]) * delta[i];
    }
    if (kernels == JudgeKernels::kFast && fast_kernels_lie) judgement.score = -judgement.score;
    if (kernels == JudgeKernels::kFast && fast_kernels_halve) judgement.score /= 2;
    return judgement;
}

Result<MergedJudgement> FakeModel::judge_merged(JudgeKernels kernels, const Hash256& judge_seed) {
    if (fails(kernels)) return io_error("the fake model is broken");
    MergedJudgement judgement;
    const std::vector<std::int64_t> slopes = slope(judge_seed);
    const std::vector<std::int64_t> merged = merged_sum();
    for (std::size_t i = 0; i < merged.size(); ++i) {
        const Int128 gradient = slopes[i] + 2 * curvature * theta_[i];
        judgement.score -= gradient * merged[i];
        judgement.norm2 += static_cast<Int128>(merged[i]) * merged[i];
    }
    return judgement;
}

std::int64_t FakeModel::loss_at(const Hash256& judge_seed,
                                const std::vector<std::int32_t>& theta) const {
    const std::vector<std::int64_t> slopes = slope(judge_seed);
    Int128 loss = 0;
    for (std::size_t i = 0; i < theta.size(); ++i)
        loss += static_cast<Int128>(slopes[i]) * theta[i] +
                static_cast<Int128>(curvature) * theta[i] * theta[i];
    return (std::int64_t{1} << 40) + static_cast<std::int64_t>(loss / 65536);
}

Result<std::int64_t> FakeModel::judge_loss(JudgeKernels kernels, const Hash256& judge_seed) {
    ++questions;
    if (fails(kernels)) return io_error("the fake model is broken");
    return loss_at(judge_seed, theta_);
}

Result<std::int64_t> FakeModel::judge_loss_after(JudgeKernels kernels, const Hash256& judge_seed,
                                                 const Delta& merged) {
    ++questions;
    if (fails(kernels)) return io_error("the fake model is broken");
    return loss_at(judge_seed, moved(theta_, merged));
}

std::unique_ptr<ModelUndo> FakeModel::merge(const Delta& merged) {
    CHECK(merged.size() == theta_.size());
    auto undo = std::make_unique<FakeUndo>();
    undo->theta = theta_;
    undo->recent = recent_;
    theta_ = moved(theta_, merged);
    recent_.push_back(merged);
    if (recent_.size() > recent_limit_) recent_.pop_front();
    return undo;
}

void FakeModel::undo(std::unique_ptr<ModelUndo> undo) {
    auto* record = dynamic_cast<FakeUndo*>(undo.get());
    CHECK(record != nullptr);
    theta_ = std::move(record->theta);
    recent_ = std::move(record->recent);
}

std::unique_ptr<ModelSeam> FakeModel::copy() const {
    ++copies;
    return std::make_unique<FakeModel>(*this);
}

std::vector<std::int64_t> FakeModel::merged_sum() const {
    std::vector<std::int64_t> sum(theta_.size(), 0);
    for (const Delta& merged : recent_) {
        for (std::size_t i = 0; i < sum.size(); ++i) sum[i] += merged[i];
    }
    return sum;
}

Bytes FakeModel::save() const {
    Writer writer;
    write_numbers(writer, theta_);
    writer.count(recent_.size());
    for (const Delta& merged : recent_) write_numbers(writer, merged);
    return std::move(writer).take();
}

Status FakeModel::load(ByteView saved) {
    Reader reader(saved);
    std::vector<std::int32_t> theta = read_numbers(reader, theta_.size());
    std::deque<Delta> recent;
    const std::size_t count = reader.count(recent_limit_, 4);
    for (std::size_t i = 0; i < count; ++i) recent.push_back(read_numbers(reader, theta_.size()));
    RETURN_IF_ERROR(reader.finish());
    theta_ = std::move(theta);
    recent_ = std::move(recent);
    return ok_status();
}

}  // namespace cairn::consensus
