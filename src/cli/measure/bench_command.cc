#include "cli/measure/bench_command.h"

#include <algorithm>
#include <array>
#include <memory>
#include <ostream>

#include <fmt/core.h>

#include "base/bytes_text.h"
#include "base/clock.h"
#include "base/files.h"
#include "base/log.h"
#include "base/progress.h"
#include "cli/commands.h"
#include "cli/local_model.h"
#include "cli/options.h"
#include "cli/write/sampling_options.h"
#include "formats/mapped_source.h"
#include "measure/bench_report.h"
#include "measure/random_weight.h"
#include "tensor/speed.h"

namespace cairn::cli {

namespace {

constexpr std::size_t kMaxBenchTokens = 1U << 16;
constexpr std::size_t kMaxBenchTogether = 64;
constexpr double kQuick = 0.2;
constexpr std::array<const char*, 4> kUsualTypes = {"f32", "f16", "q8_0", "q4_0"};
// Memory left for everything else on the machine while a model is measured.
constexpr std::uint64_t kSpareMemory = std::uint64_t{1} << 30;

class Bench {
  public:
    /// `out`: where the table goes, a line at a time; null: nowhere.
    Bench(const BenchRequest& request, const Machine& machine, std::ostream* out)
        : request_(request),
          machine_(machine),
          table_(out, longest_name(request)),
          out_(out),
          progress_(clock_, "measuring", steps()) {
        effort_.seconds = request.quick ? request.seconds * kQuick : request.seconds;
        effort_.least_runs = request.quick ? 3 : 5;
    }

    Status run() {
        results_.machine = measure::machine_facts();
        results_.threads = machine_.threads();
        results_.kernels = machine_.kernels();
        RETURN_IF_ERROR(read_types());
        RETURN_IF_ERROR(check_files());
        table().machine(results_);
        // Every part but training reports ratios to the machine's limits, so these come first.
        if (wants("machine") || wants("products") || wants("models")) limits();
        if (wants("products")) products();
        if (wants("models")) RETURN_IF_ERROR(models());
        if (wants("training")) RETURN_IF_ERROR(training());
        for (const std::string& what : results_.skipped) table().skipped(what);
        return ok_status();
    }
    const measure::BenchResults& results() const { return results_; }

  private:
    // If models are named but no parts, single products are not measured.
    bool wants(const std::string& part) const {
        const auto& parts = request_.parts;
        if (parts.empty()) return request_.models.empty() || part != "products";
        return std::find(parts.begin(), parts.end(), part) != parts.end();
    }
    void note(const std::string& line) {
        log_info("measuring {}", line);
        progress_.update(std::min(measured_++, steps()), line);
    }
    measure::Note noting() {
        return [this](const std::string& line) { note(line); };
    }
    measure::BenchTable& table() {
        progress_.clear();
        return table_;
    }
    // The output can no longer be written, so the rest need not be measured.
    bool is_over() const { return out_ != nullptr && !out_->good(); }

    static std::size_t longest_name(const BenchRequest& request) {
        std::size_t longest = 0;
        for (const std::string& model : request.models)
            longest = std::max(longest, name_of(model).size());
        return longest;
    }

    // Roughly how many figures there will be.
    std::size_t steps() const {
        const std::size_t types =
            request_.types.empty() ? kUsualTypes.size() : request_.types.size();
        const std::size_t models = request_.models.empty()
                                       ? measure::bench_shapes().size() - (request_.quick ? 1 : 0)
                                       : request_.models.size();
        return 1 + (wants("products") ? measure::product_count() + types : 0) +
               (wants("models") ? models * types : 0) + (wants("training") ? models : 0);
    }

    // Checks at the start that each name is a shape or a file that may be a model.
    Status check_files() const {
        for (const std::string& path : request_.models) {
            if (is_shape(path)) continue;
            if (!exists(path))
                return not_found("there is no " + path +
                                 "; --model is demo, chars, 110m, gpt2, 1.1b or a model file");
            if (!is_folder(path)) RETURN_IF_ERROR(formats::open_source(path));
        }
        return ok_status();
    }

    Status read_types() {
        std::vector<std::string> names = request_.types;
        if (names.empty()) names.assign(kUsualTypes.begin(), kUsualTypes.end());
        for (const std::string& name : names) {
            const auto parsed = tensor::parse_weight_type(name);
            if (!parsed.ok()) return misused("--type: " + parsed.error().message);
            const tensor::WeightType type = *parsed;
            if (tensor::weight_group(type) > 32)
                return misused(name +
                               " cannot be made from random weights; use f32, f16, bf16, "
                               "q8_0, q4_0 or w8a8-row, or a model file");
            types_.push_back(type);
        }
        return ok_status();
    }

    void limits() {
        note("how fast memory is read");
        const SystemClock clock;
        ThreadPool single(1);
        results_.read_one_thread = tensor::MemoryReader(single).best(clock);
        results_.read_all_threads = tensor::MemoryReader(*machine_.compute().pool).best(clock);
        table().limits(results_);
    }

    void products() {
        results_.openblas = measure::openblas_version();
        results_.products = measure::measure_products(
            machine_.compute(), effort_, noting(),
            [this](const measure::ProductSpeed& speed) { table().product(speed); });
        table().openblas(results_);
        results_.matvec = measure::measure_matvec(
            machine_.compute(), types_, noting(),
            [this](const measure::MatvecSpeed& speed) { table().matvec(speed); });
    }

    // Shapes that were asked for: all, or those named; --quick leaves the largest out.
    std::vector<measure::BenchShape> shapes() {
        std::vector<measure::BenchShape> chosen;
        for (const measure::BenchShape& shape : measure::bench_shapes()) {
            const auto& asked = request_.models;
            const bool named = std::find(asked.begin(), asked.end(), shape.name) != asked.end();
            if (!named && !asked.empty()) continue;
            if (!named && request_.quick && shape.name == "1.1b")
                skip("1.1b: --quick; ask for it with --model 1.1b");
            else
                chosen.push_back(shape);
        }
        return chosen;
    }

    void skip(const std::string& what) {
        if (std::find(results_.skipped.begin(), results_.skipped.end(), what) ==
            results_.skipped.end())
            results_.skipped.push_back(what);
    }

    bool fits(const std::string& what, std::uint64_t bytes) {
        const std::uint64_t free = measure::machine_facts().memory_free_bytes;
        if (free == 0 || bytes + kSpareMemory <= free) return true;
        skip(fmt::format("{}: needs {} of memory, {} are free", what, bytes_text(bytes),
                         bytes_text(free)));
        return false;
    }

    Status models() {
        tensor::MemoryReader memory(*machine_.compute().pool);
        for (const measure::BenchShape& shape : shapes()) {
            for (const tensor::WeightType type : types_) {
                if (is_over()) return ok_status();
                const std::string what =
                    fmt::format("{} {}", shape.name, tensor::weight_type_name(type));
                const std::uint64_t parameters = model::ParameterLayout(shape.config).size();
                if (!fits(what, parameters * tensor::weight_row_bytes(type, 256) / 256)) continue;
                note(what);
                const model::Model model =
                    measure::random_model(machine_.compute(), shape.config, type);
                results_.models.push_back(measure::measure_model(
                    machine_.compute(), memory, shape.name, model, request_.work, effort_));
                table().model(results_.models.back());
            }
        }
        for (const std::string& path : request_.models) {
            if (is_shape(path) || is_over()) continue;
            note(path);
            ASSIGN_OR_RETURN(formats::LoadedModel loaded, formats::load_any(path));
            const model::ModelConfig& config = loaded.model.config;
            if (!config.has_head())
                return invalid(path + " is an encoder: it writes no text to measure");
            if (config.context < 2) return invalid(path + " has no room for a second token");
            if (!fits(path, bytes_of(loaded.model))) continue;
            const model::Model packed = model::pack_model(machine_.compute(), loaded.model);
            results_.models.push_back(measure::measure_model(
                machine_.compute(), memory, name_of(path), packed, request_.work, effort_));
            table().model(results_.models.back());
        }
        return ok_status();
    }

    static std::uint64_t bytes_of(const model::Model& model) {
        std::uint64_t sum = 0;
        const model::ParameterLayout layout = model.layout();
        for (const model::TensorInfo& info : layout.tensors())
            sum += model::tensor_at(model.weights, info.kind, info.layer).canonical_bytes();
        return sum;
    }

    Status training() {
        for (const measure::BenchShape& shape : shapes()) {
            if (is_over()) return ok_status();
            if (!fits("training " + shape.name, measure::training_memory(shape))) continue;
            note("training " + shape.name);
            ASSIGN_OR_RETURN(measure::TrainingSpeed speed,
                             measure::measure_training(machine_.compute(), shape, effort_));
            results_.training.push_back(std::move(speed));
            table().training(results_.training.back(), results_);
        }
        return ok_status();
    }

    static bool is_shape(const std::string& name) {
        return std::any_of(measure::bench_shapes().begin(), measure::bench_shapes().end(),
                           [&](const measure::BenchShape& shape) { return shape.name == name; });
    }

    const BenchRequest& request_;
    const Machine& machine_;
    measure::Effort effort_;
    std::vector<tensor::WeightType> types_;
    measure::BenchResults results_;
    measure::BenchTable table_;
    std::ostream* out_;
    SystemClock clock_;
    std::size_t measured_ = 0;
    Progress progress_;
};

}  // namespace

Status run_bench(const BenchRequest& request, std::ostream& out) {
    ASSIGN_OR_RETURN(const auto machine, Machine::create(request.threads));
    Bench bench(request, *machine, request.json ? nullptr : &out);
    RETURN_IF_ERROR(bench.run());
    if (request.json) out << measure::bench_json(bench.results());
    return ok_status();
}

void add_bench(const Command& app, Invocation& invocation) {
    const Command command =
        add_command(app, invocation, "bench", "Measure this machine, its products and models",
                    "cairn bench --quick\n  cairn bench --model qwen2.5-0.5b-q4_k_m.gguf\n  "
                    "cairn bench --part models --model 110m --type q8_0");
    auto request = std::make_shared<BenchRequest>();
    command.add_option("--model", request->models,
                       "demo, chars, 110m, gpt2, 1.1b (random weights), or a model file; again for "
                       "each (default: all). A file is measured as it is");
    command.add_option("--type", request->types,
                       "f32, f16, bf16, q8_0, q4_0, q4_1, q5_0, q5_1, w8a8-row; again for each");
    command
        .add_option("--part", request->parts,
                    "machine, products, models, training (default: all, but with --model "
                    "no products); again for each")
        .check(one_of(std::vector<std::string>(std::begin(kBenchParts), std::end(kBenchParts))));
    command.add_option("--prefill", request->work.prefill, "Tokens of the prompt that is read")
        .check(range(std::size_t{1}, kMaxBenchTokens))
        .capture_default_str();
    command
        .add_option("--before", request->work.before,
                    "Tokens of the prompt that the written ones follow")
        .check(range(std::size_t{1}, kMaxBenchTokens))
        .capture_default_str();
    add_kv_option(command, request->work.kv);
    command.add_option("--decode", request->work.decode, "Tokens that are written")
        .check(range(std::size_t{1}, kMaxBenchTokens))
        .capture_default_str();
    command.add_option("--together", request->work.together, "Sequences that decode as one batch")
        .check(range(std::size_t{1}, kMaxBenchTogether))
        .capture_default_str();
    command.add_option("--seconds", request->seconds, "To measure each figure")
        .check(range(0.01, 600.0))
        .capture_default_str();
    command.add_flag("--quick", request->quick, "A fifth of the time, without 1.1b");
    add_threads_option(command, request->threads);
    command.callback([request, &invocation] {
        request->json = invocation.json;
        invocation.run = [request](std::ostream& out) { return run_bench(*request, out); };
    });
}

}  // namespace cairn::cli
