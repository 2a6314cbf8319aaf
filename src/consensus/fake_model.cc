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

std::int64_t FakeModel::loss_at(const Hash256& judge_seed,
                                const std::vector<std::int32_t>& theta) const {
    const std::vector<std::int64_t> slopes = slope(judge_seed);
    Int128 loss = 0;
    for (std::size_t i = 0; i < theta.size(); ++i)
        loss += static_cast<Int128>(slopes[i]) * theta[i] +
                static_cast<Int128>(curvature) * theta[i] * theta[i];
    return (std::int64_t{1} << 40) + static_cast<std::int64_t>(loss / 2);
}

Result<Delta> FakeModel::judge_gradient(JudgeKernels kernels, const Hash256& judge_seed, JudgeBatch,
                                        const Delta& offset) {
    ++questions;
    if (fails(kernels)) return io_error("the fake model is broken");
    const std::vector<std::int64_t> slopes = slope(judge_seed);
    const std::vector<std::int32_t> at = offset.empty() ? theta_ : moved(theta_, offset);
    Delta gradient(theta_.size());
    for (std::size_t i = 0; i < gradient.size(); ++i) {
        std::int64_t entry = (slopes[i] + 2 * curvature * at[i]) * (1 << 19);
        if (kernels == JudgeKernels::kFast && fast_kernels_halve) entry /= 2;
        gradient[i] = static_cast<std::int32_t>(std::clamp<std::int64_t>(entry, -kBound, kBound));
    }
    return gradient;
}

Result<std::int64_t> FakeModel::judge_loss(JudgeKernels kernels, const Hash256& judge_seed,
                                           const Delta& offset) {
    ++questions;
    if (fails(kernels)) return io_error("the fake model is broken");
    const std::int64_t loss = loss_at(judge_seed, offset.empty() ? theta_ : moved(theta_, offset));
    const bool lies = kernels == JudgeKernels::kFast && fast_kernels_lie;
    return lies ? (std::int64_t{1} << 41) - loss : loss;  // up is down
}

std::vector<std::span<const std::int32_t>> FakeModel::recent_merges() const {
    return {recent_.begin(), recent_.end()};
}

std::unique_ptr<ModelUndo> FakeModel::merge(const Delta& merged) {
    CHECK(merged.size() == theta_.size());
    auto undo = std::make_unique<FakeUndo>();
    undo->theta = theta_;
    undo->recent = recent_;
    theta_ = moved(theta_, merged);
    recent_.push_back(merged);
    while (recent_.size() > recent_limit_) recent_.pop_front();
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
