#include "train/trainer.h"

#include <algorithm>
#include <bit>
#include <cmath>
#include <cstring>

#include "model/leaf.h"
#include "model/leaf_tree.h"
#include "tensor/adamw.h"
#include "tensor/elementwise.h"
#include "train/data.h"
#include "train/schedule.h"

namespace cairn::train {

namespace {

constexpr std::uint32_t kSaveVersion = 1;

// Whole arrays at once: a state is three times the model, and is saved while somebody waits.
static_assert(std::endian::native == std::endian::little);

void append_floats(std::span<const float> values, Writer& writer) {
    writer.raw({reinterpret_cast<const std::uint8_t*>(values.data()), values.size_bytes()});
}

void read_floats(Reader& reader, std::span<float> values) {
    const ByteView bytes = reader.raw(values.size_bytes());
    if (!bytes.empty()) std::memcpy(values.data(), bytes.data(), bytes.size());
}

}  // namespace

struct Trainer::State {
    State(const model::ParameterLayout& parameter_layout, const Recipe& chosen,
          std::span<const std::uint32_t> text, std::uint64_t data_seed, const tensor::Compute& with)
        : layout(parameter_layout),
          recipe(chosen),
          tokens(text),
          seed(data_seed),
          compute(with),
          pass(layout, model::LeafShape{recipe.leaf_tokens, recipe.context, 0}, compute),
          tree(layout.size()),
          parameters(layout.size(), 0.0F),
          gradient(layout.size(), 0.0F),
          first_moment(layout.size(), 0.0F),
          second_moment(layout.size(), 0.0F),
          weights(model::view_weights(layout, parameters)) {}

    std::int64_t compute_gradient();
    float norm() const;
    void clip(float length);
    void descend();
    void adamw();
    void update();

    model::ParameterLayout layout;
    Recipe recipe;
    std::span<const std::uint32_t> tokens;
    std::uint64_t seed;
    tensor::Compute compute;
    model::LeafPass pass;
    model::LeafTree tree;
    std::vector<float> parameters, gradient, first_moment, second_moment;
    model::Weights weights;          // views parameters
    std::uint64_t step = 0;          // of the run: schedule and windows
    std::uint64_t moment_steps = 0;  // since the moments were zero: bias correction
    std::vector<std::uint64_t> starts;
    std::vector<std::uint32_t> inputs, targets;
};

// The mean gradient over the step's windows, leaf by leaf; returns the sum of integer losses.
std::int64_t Trainer::State::compute_gradient() {
    const std::uint64_t windows = recipe.leaf_tokens / recipe.context;
    std::int64_t loss = 0;
    for (std::uint64_t leaf = 0; leaf < recipe.leaves_per_step; ++leaf) {
        starts.clear();
        for (std::uint64_t i = 0; i < windows; ++i)
            starts.push_back(
                window_start(seed, step, leaf * windows + i, tokens.size(), recipe.context));
        gather_windows(tokens, starts, recipe.context, inputs, targets);
        loss += pass.backward(weights, inputs, targets, gradient);
        if (recipe.leaves_per_step > 1) tree.add(gradient);
    }
    const std::uint64_t count = recipe.tokens_per_step();
    if (recipe.leaves_per_step > 1)
        tree.finish(gradient, count);
    else  // a tree of one leaf is that leaf
        tensor::scale(compute, gradient.size(), 1.0F / static_cast<float>(count), gradient.data());
    return loss;
}

// Not finite if any element is not, or if the squares are too large to add.
float Trainer::State::norm() const {
    std::vector<std::span<const float>> parts;
    for (const model::TensorInfo& info : layout.tensors())
        parts.emplace_back(gradient.data() + info.offset, info.size());
    return tensor::global_norm(compute, parts);
}

// Scales the gradient of this norm to the recipe's if it is longer.
void Trainer::State::clip(float length) {
    const auto limit = static_cast<float>(recipe.clip_norm);
    if (limit > 0.0F && length > limit)
        tensor::scale(compute, gradient.size(), tensor::clip_factor(length, limit),
                      gradient.data());
}

// The gradient is not needed any more.
void Trainer::State::descend() {
    const auto rate = static_cast<float>(learning_rate(recipe, step));
    tensor::scale(compute, gradient.size(), -rate, gradient.data());
    tensor::add(compute, gradient.size(), parameters.data(), gradient.data(), parameters.data());
}

void Trainer::State::adamw() {
    const tensor::AdamwSettings settings{learning_rate(recipe, step), recipe.beta1, recipe.beta2,
                                         recipe.epsilon, recipe.weight_decay};
    const auto coefficients = tensor::adamw_coefficients(settings, ++moment_steps);
    for (const model::TensorInfo& info : layout.tensors())
        tensor::adamw_update(compute, coefficients, info.is_matrix, info.size(),
                             gradient.data() + info.offset, parameters.data() + info.offset,
                             first_moment.data() + info.offset, second_moment.data() + info.offset);
}

void Trainer::State::update() {
    if (recipe.plain_descent)
        descend();
    else
        adamw();
    ++step;
}

Trainer::Trainer(const model::ParameterLayout& layout, const Recipe& recipe,
                 std::span<const std::uint32_t> tokens, std::uint64_t seed,
                 const tensor::Compute& compute) {
    CHECK(validate(recipe, layout.config()).ok());
    CHECK(check_tokens(tokens, recipe.context, layout.config().vocab).ok());
    state_ = std::make_unique<State>(layout, recipe, tokens, seed, compute);
}

Trainer::~Trainer() = default;

const Recipe& Trainer::recipe() const { return state_->recipe; }
const model::ParameterLayout& Trainer::layout() const { return state_->layout; }
std::span<const float> Trainer::parameters() const { return state_->parameters; }
std::uint64_t Trainer::next_step() const { return state_->step; }
std::uint64_t Trainer::seed() const { return state_->seed; }

Status Trainer::set_total_steps(std::uint64_t total_steps) {
    Recipe changed = state_->recipe;
    changed.total_steps = total_steps;
    RETURN_IF_ERROR(validate(changed, state_->layout.config()));
    if (total_steps != state_->recipe.total_steps && state_->step > changed.warmup_steps)
        return invalid("the number of steps is settled once the warm-up is over");
    state_->recipe = changed;
    return ok_status();
}

void Trainer::start(std::span<const float> parameters, std::uint64_t step, bool keep_moments) {
    CHECK(parameters.size() == state_->parameters.size());
    std::copy(parameters.begin(), parameters.end(), state_->parameters.begin());
    state_->step = step;
    if (keep_moments) return;
    state_->moment_steps = 0;
    std::fill(state_->first_moment.begin(), state_->first_moment.end(), 0.0F);
    std::fill(state_->second_moment.begin(), state_->second_moment.end(), 0.0F);
}

Result<StepReport> Trainer::step() {
    State& s = *state_;
    StepReport report;
    report.step = s.step;
    report.learning_rate = learning_rate(s.recipe, s.step);
    report.loss = model::nats(s.compute_gradient(), s.recipe.tokens_per_step());
    const float norm = s.norm();
    if (!std::isfinite(norm))
        return invalid(
            "step " + std::to_string(s.step) +
            ": the gradient is not finite; halve the learning rate, warm up longer or clip lower");
    s.clip(norm);
    report.gradient_norm = static_cast<double>(norm);
    s.update();
    return report;
}

Bytes Trainer::save() const {
    Writer writer;
    writer.u32(kSaveVersion);
    encode(state_->recipe, writer);
    writer.u64(state_->seed);
    writer.u64(state_->step);
    writer.u64(state_->moment_steps);
    writer.u64(state_->parameters.size());
    append_floats(state_->parameters, writer);
    append_floats(state_->first_moment, writer);
    append_floats(state_->second_moment, writer);
    return std::move(writer).take();
}

Status Trainer::load(ByteView saved) {
    State& s = *state_;
    Reader reader(saved);
    if (reader.u32() != kSaveVersion) return invalid("training state: unknown version");
    ASSIGN_OR_RETURN(const Recipe recipe, decode_recipe(reader));
    if (!(recipe == s.recipe)) return invalid("training state: made with another recipe");
    const std::uint64_t seed = reader.u64();
    const std::uint64_t step = reader.u64();
    const std::uint64_t moment_steps = reader.u64();
    if (reader.u64() != s.parameters.size())
        return invalid("training state: made for another model");
    std::vector<float> parameters(s.parameters.size()), first(parameters), second(parameters);
    read_floats(reader, parameters);
    read_floats(reader, first);
    read_floats(reader, second);
    RETURN_IF_ERROR(reader.finish());
    for (const std::vector<float>* values : {&parameters, &first, &second})
        if (!tensor::all_finite(values->size(), values->data()))
            return invalid("training state: a value that is not finite");
    s.seed = seed;
    s.step = step;
    s.moment_steps = moment_steps;
    std::copy(parameters.begin(), parameters.end(), s.parameters.begin());
    s.first_moment = std::move(first);
    s.second_moment = std::move(second);
    return ok_status();
}

}  // namespace cairn::train
