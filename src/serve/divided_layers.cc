#include "serve/divided_layers.h"

#include <algorithm>

#include "serve/receipt.h"

namespace cairn::serve {

using model::LayerShare;
using tensor::ConstMatrix;
using tensor::Matrix;

namespace {

void put(std::span<const float> from, Matrix to) {
    for (std::size_t row = 0; row < to.rows; ++row)
        std::copy_n(from.data() + row * to.cols, to.cols, to.row(row));
}

/// Whose part is asked for nothing, and need not be there.
bool is_of_nothing(const LayerShare& share) { return share.groups() == 0 && share.columns() == 0; }

std::vector<float> values_of(ConstMatrix rows) {
    return {rows.data, rows.data + rows.rows * rows.cols};
}

}  // namespace

// One pass through all layers: each step is sent to all parts that have a share of it, and what
// comes back is put side by side. The first part is this process, which computes its own share
// while the others compute theirs.
class DividedLayers::Pass final : public model::ShareCalls {
  public:
    Pass(DividedLayers& layers, std::vector<PartSequence> sequences)
        : layers_(layers), sequences_(std::move(sequences)) {}

    Status heads(std::uint32_t layer, ConstMatrix in, Matrix out) override {
        const std::size_t width = out.cols / layers_.joined_->config().kv_heads;
        const Bytes body = encode(PartHeads{layer, sequences_, values_of(in)});
        return exchange(PartKind::kHeads, body, out, [&](const LayerShare& share) {
            return std::pair(share.group_begin * width, share.groups() * width);
        });
    }
    Status columns(std::uint32_t layer, ConstMatrix in, Matrix out) override {
        const auto rows = static_cast<std::uint32_t>(in.rows);
        const Bytes body = encode(PartColumns{layer, rows, values_of(in)});
        return exchange(PartKind::kColumns, body, out, [&](const LayerShare& share) {
            return std::pair<std::size_t, std::size_t>(share.column_begin, share.columns());
        });
    }

  private:
    template <typename Columns>
    Status exchange(PartKind kind, const Bytes& body, Matrix out, const Columns& columns_of) {
        const std::size_t parts = layers_.ports_.size();
        for (std::size_t part = parts; part-- > 0;)
            if (columns_of(layers_.shares_[part]).second > 0)
                RETURN_IF_ERROR(layers_.send(part, kind, body));
        for (std::size_t part = 0; part < parts; ++part) {
            const auto [begin, count] = columns_of(layers_.shares_[part]);
            if (count == 0) continue;
            ASSIGN_OR_RETURN(const Bytes answer, layers_.step_answer(part, out.rows));
            const auto share = decode_part_share(answer);
            if (!share.ok() || share->rows != out.rows || share->values.size() != out.rows * count)
                return invalid(layers_.ports_[part]->name() +
                               " answered with rows of another shape");
            put(share->values, out.column_range(begin, count));
        }
        if (parts > 1) ++layers_.exchanges_;
        return ok_status();
    }

    DividedLayers& layers_;
    std::vector<PartSequence> sequences_;
};

DividedLayers::DividedLayers(const ModelSnapshot& whole, model::LayerRange layers,
                             std::vector<LayerShare> shares,
                             std::vector<std::unique_ptr<PartPort>> ports,
                             const tensor::Compute& compute, const Clock& clock,
                             const DividedPatience& patience)
    : model_(whole.hash),
      layers_(layers),
      shares_(std::move(shares)),
      ports_(std::move(ports)),
      lateness_(ports_.size()),
      clock_(clock),
      patience_(patience) {
    CHECK(!ports_.empty() && shares_.size() == ports_.size());
    CHECK(has_layers(whole, layers));
    model::Model joining;
    joining.config = whole.config;
    joining.weights = model::joining_weights(whole.config, whole.weights, layers);
    const model::Model packed = model::pack_model(compute, joining);
    storage_ = packed.storage;
    joined_ = std::make_unique<model::JoinedLayers>(whole.config, packed.weights, compute,
                                                    max_part_rows(whole.config));
}

DividedLayers::~DividedLayers() = default;

Status DividedLayers::send(std::size_t part, PartKind kind, const Bytes& body) {
    if (part > 0) sent_ += body.size();
    const Status sent = ports_[part]->send(kind, body);
    if (sent.ok()) return sent;
    return Error{sent.error().code, ports_[part]->name() + ": " + sent.error().message};
}

Result<Bytes> DividedLayers::answer(std::size_t part, PartKind wanted, std::uint64_t patience_ms) {
    auto message = ports_[part]->receive(patience_ms);
    if (!message.ok())
        return Error{message.error().code, ports_[part]->name() + ": " + message.error().message};
    if (part > 0) received_ += message->body.size();
    if (message->kind == wanted) return std::move(message->body);
    const auto reason = message->kind == PartKind::kRefused
                            ? decode_part_reason(message->body)
                            : Result<std::string>(invalid("it answered something else"));
    return Error{ErrorCode::kRefused, ports_[part]->name() + " refused: " +
                                          (reason.ok() ? *reason : reason.error().message)};
}

Result<Bytes> DividedLayers::step_answer(std::size_t part, std::size_t rows) {
    const std::uint64_t may_us = allowed_us(rows, rows_per_s_);
    const std::uint64_t began_us = clock_.monotonic_us();
    ASSIGN_OR_RETURN(Bytes answered,
                     answer(part, PartKind::kShare, patience_.answer_ms + may_us / 1000));
    lateness_[part].answered(beyond(clock_.monotonic_us() - began_us, may_us));
    return answered;
}

std::string DividedLayers::slow_parts() const {
    std::string slow;
    for (std::size_t part = 0; part < ports_.size(); ++part)
        if (const std::uint64_t late_us = lateness_[part].total_us(); late_us >= kTooLateUs)
            slow += (slow.empty() ? "" : ", ") + ports_[part]->name() + " (" +
                    std::to_string(late_us / 1'000'000) + " s late in its last steps)";
    return slow;
}

Status DividedLayers::join_part(std::size_t part) {
    const Status up = ports_[part]->connect(patience_.connect_ms);
    if (!up.ok()) return Error{up.error().code, ports_[part]->name() + ": " + up.error().message};
    return send(part, PartKind::kJoin,
                encode(PartJoin{model_, kNumericsVersion, layers_, shares_[part]}));
}

Status DividedLayers::join() {
    whole_ = false;
    open_.clear();
    for (Lateness& lateness : lateness_) lateness.forget();
    for (std::size_t part = ports_.size(); part-- > 0;)
        if (!is_of_nothing(shares_[part])) RETURN_IF_ERROR(join_part(part));
    for (std::size_t part = 0; part < ports_.size(); ++part)
        if (!is_of_nothing(shares_[part]))
            RETURN_IF_ERROR(answer(part, PartKind::kJoined, patience_.join_ms));
    whole_ = true;
    return ok_status();
}

bool DividedLayers::is_whole() const {
    for (std::size_t part = 0; part < ports_.size(); ++part)
        if (!is_of_nothing(shares_[part]) && !ports_[part]->is_up()) return false;
    return whole_;
}

std::string DividedLayers::away() const {
    for (std::size_t part = 0; part < ports_.size(); ++part)
        if (!is_of_nothing(shares_[part]) && !ports_[part]->is_up())
            return ports_[part]->name() + ": " + ports_[part]->why_down();
    return "its parts have to join again";
}

Status DividedLayers::open(const DividedRows& rows) {
    if (open_.contains(rows.cache)) return ok_status();
    const Bytes body = encode(PartOpen{rows.cache, rows.layers, rows.max_positions, rows.kv});
    for (std::size_t part = 0; part < ports_.size(); ++part)
        if (shares_[part].groups() > 0) RETURN_IF_ERROR(send(part, PartKind::kOpen, body));
    for (std::size_t part = 0; part < ports_.size(); ++part)
        if (shares_[part].groups() > 0)
            RETURN_IF_ERROR(answer(part, PartKind::kOpened, patience_.answer_ms));
    open_.insert(rows.cache);
    return ok_status();
}

void DividedLayers::close(std::uint64_t cache) {
    if (open_.erase(cache) == 0 || !whole_) return;
    for (std::size_t part = 0; part < ports_.size(); ++part)
        if (shares_[part].groups() > 0)
            (void)send(part, PartKind::kClose, encode_part_close(cache)).ok();
}

// At most max_rows(), each sequence's rows in order.
Status DividedLayers::forward_rows(std::span<float> hidden, std::span<const DividedRows> batch) {
    std::vector<PartSequence> sequences;
    std::vector<model::RoundedRows> rounded;
    for (const DividedRows& rows : batch) {
        sequences.push_back({rows.cache, rows.position, rows.rows});
        rounded.push_back({rows.rows, rows.states});
    }
    Pass pass(*this, std::move(sequences));
    return joined_->forward(hidden, rounded, batch.front().layers, pass);
}

Status DividedLayers::forward(std::span<float> hidden, std::span<const DividedRows> batch) {
    const std::size_t dim = joined_->config().dim;
    const auto computed = [&]() -> Status {
        if (!is_whole()) return Error{ErrorCode::kRefused, away()};
        for (const DividedRows& rows : batch) RETURN_IF_ERROR(open(rows));
        std::vector<DividedRows> pass;
        std::size_t begun = 0, rows = 0;
        const auto run = [&]() -> Status {
            if (rows == 0) return ok_status();
            RETURN_IF_ERROR(forward_rows(hidden.subspan(begun * dim, rows * dim), pass));
            begun += rows;
            rows = 0;
            pass.clear();
            return ok_status();
        };
        for (DividedRows rest : batch) {
            while (rest.rows > 0) {
                DividedRows piece = rest;
                piece.rows =
                    std::min(rest.rows, static_cast<std::uint32_t>(joined_->max_rows() - rows));
                pass.push_back(piece);
                rows += piece.rows;
                rest.position += piece.rows;
                rest.rows -= piece.rows;
                if (rows == joined_->max_rows()) RETURN_IF_ERROR(run());
            }
        }
        return run();
    }();
    if (!computed.ok())
        whole_ = false;
    else
        rows_ += hidden.size() / dim;
    return computed;
}

void DividedLayers::end() {
    for (const auto& port : ports_) port->end();
}

DividedFigures DividedLayers::figures() const { return {rows_, exchanges_, sent_, received_}; }

}  // namespace cairn::serve
