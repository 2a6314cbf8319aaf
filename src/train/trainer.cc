#include "train/trainer.h"

#include <algorithm>
#include <bit>
#include <cmath>
#include <cstring>

#include "model/leaf.h"
#include "tensor/adamw.h"
#include "tensor/elementwise.h"
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
    State(std::unique_ptr<Lessons> what, const Recipe& chosen, std::uint64_t data_seed,
          const tensor::Compute& with)
        : lessons(std::move(what)),
          recipe(chosen),
          seed(data_seed),
          compute(with),
          parameters(lessons->size(), 0.0F),
          gradient(lessons->size(), 0.0F),
          first_moment(lessons->size(), 0.0F),
          second_moment(lessons->size(), 0.0F) {}

    float norm() const;
    void clip(float length);
    void descend();
    void adamw();
    void update();

    std::unique_ptr<Lessons> lessons;
    Recipe recipe;
    std::uint64_t seed;
    tensor::Compute compute;
    std::vector<float> parameters, gradient, first_moment, second_moment;
    std::uint64_t step = 0;          // of the run: schedule and examples
    std::uint64_t moment_steps = 0;  // since the moments were zero: bias correction
};

// Not finite if any element is not, or if the squares are too large to add.
float Trainer::State::norm() const {
    std::vector<std::span<const float>> parts;
    for (const model::TensorInfo& info : lessons->tensors())
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
    for (const model::TensorInfo& info : lessons->tensors())
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
                 const tensor::Compute& compute)
    : Trainer(stream_lessons(layout, recipe, tokens, compute), recipe, seed, compute) {}

Trainer::Trainer(std::unique_ptr<Lessons> lessons, const Recipe& recipe, std::uint64_t seed,
                 const tensor::Compute& compute) {
    CHECK(lessons->check(recipe).ok());
    state_ = std::make_unique<State>(std::move(lessons), recipe, seed, compute);
}

Trainer::~Trainer() = default;

const Recipe& Trainer::recipe() const { return state_->recipe; }
std::span<const float> Trainer::parameters() const { return state_->parameters; }
std::uint64_t Trainer::next_step() const { return state_->step; }
std::uint64_t Trainer::seed() const { return state_->seed; }

Status Trainer::set_total_steps(std::uint64_t total_steps) {
    Recipe changed = state_->recipe;
    changed.total_steps = total_steps;
    RETURN_IF_ERROR(state_->lessons->check(changed));
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
    const LessonSum sum = s.lessons->gradient(s.seed, s.step, s.parameters, s.gradient);
    report.loss = model::nats(sum.loss, sum.learnt);
    report.tokens = sum.tokens;
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
