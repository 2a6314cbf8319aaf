#include "measure/bench_report.h"
#include "base/bytes_text.h"
#include "console/json_line.h"

#include <ostream>

#include <fmt/format.h>
#include <nlohmann/json.hpp>

namespace cairn::measure {

namespace {

using Json = nlohmann::ordered_json;

constexpr int kSchema = 1;

// The fastest fp32 product measured, with which fp32 prefill and training are compared; 0: none.
double best_gflops(const BenchResults& results) {
    double best = 0;
    for (const ProductSpeed& product : results.products) best = std::max(best, product.gflops);
    return best;
}

double gflops(double operations_per_token, double tokens_s) {
    return operations_per_token * tokens_s / 1e9;
}

Json ratio(double value, double limit) { return limit > 0 ? Json(value / limit) : Json(nullptr); }

Json machine_json(const BenchResults& results) {
    const MachineFacts& machine = results.machine;
    Json json = {{"cpu", machine.cpu},           {"features", machine.features},
                 {"cores", machine.cores},       {"system", machine.system},
                 {"compiler", machine.compiler}, {"memory_bytes", machine.memory_bytes},
                 {"threads", results.threads},   {"kernels", results.kernels}};
    json["openblas"] = results.openblas ? Json(*results.openblas) : Json(nullptr);
    if (results.read_all_threads > 0) {
        json["read_gb_s_one_thread"] = results.read_one_thread / 1e9;
        json["read_gb_s"] = results.read_all_threads / 1e9;
    }
    return json;
}

Json products_json(const BenchResults& results) {
    Json list = Json::array();
    for (const ProductSpeed& product : results.products) {
        Json json = {{"name", product.name},    {"operation", product.operation},
                     {"m", product.m},          {"n", product.n},
                     {"k", product.k},          {"type", "f32"},
                     {"gflops", product.gflops}};
        json["openblas_gflops"] =
            product.openblas_gflops ? Json(*product.openblas_gflops) : Json(nullptr);
        json["ratio"] = ratio(product.gflops, product.openblas_gflops.value_or(0));
        list.push_back(std::move(json));
    }
    return list;
}

Json matvec_json(const BenchResults& results) {
    Json list = Json::array();
    for (const MatvecSpeed& speed : results.matvec)
        list.push_back({{"type", tensor::weight_type_name(speed.type)},
                        {"rows", speed.rows},
                        {"cols", speed.cols},
                        {"gb_s", speed.bytes_per_second / 1e9},
                        {"ratio", speed.memory_ratio}});
    return list;
}

Json models_json(const BenchResults& results) {
    Json list = Json::array();
    for (const ModelSpeed& speed : results.models)
        list.push_back(
            {{"name", speed.name},
             {"type", speed.type},
             {"parameters", speed.parameters},
             {"bytes_per_token", speed.bytes_per_token},
             {"prefill_tokens", speed.prefill_tokens},
             {"prefill_tokens_s", speed.prefill_tokens_s},
             {"prefill_gflops", gflops(speed.operations_per_token, speed.prefill_tokens_s)},
             {"cache_bytes_per_token", speed.cache_bytes_per_token},
             {"before_tokens", speed.before_tokens},
             {"decode_tokens", speed.decode_tokens},
             {"decode_tokens_s", speed.decode_tokens_s},
             {"decode_ratio", speed.decode_ratio},
             {"together", speed.together},
             {"together_tokens_s", speed.together_tokens_s}});
    return list;
}

Json training_json(const BenchResults& results) {
    Json list = Json::array();
    for (const TrainingSpeed& speed : results.training) {
        const double reached = gflops(speed.operations_per_token, speed.tokens_s);
        list.push_back({{"name", speed.name},
                        {"parameters", speed.parameters},
                        {"context", speed.context},
                        {"tokens_per_step", speed.tokens_per_step},
                        {"tokens_s", speed.tokens_s},
                        {"gflops", reached},
                        {"ratio", ratio(reached, best_gflops(results))}});
    }
    return list;
}

std::string percent(double value, double limit) {
    return limit > 0 ? fmt::format("{:.0f} %", 100 * value / limit) : std::string("-");
}

}  // namespace

BenchTable::BenchTable(std::ostream* out, std::size_t longest_name)
    : out_(out), name_(std::max<std::size_t>(10, longest_name)) {}

// A heading where a part begins.
void BenchTable::begin(Part part, const std::string& heading) {
    if (part_ != part) line('\n' + heading);
    part_ = part;
}

void BenchTable::line(const std::string& text) {
    if (out_ != nullptr) *out_ << text << '\n' << std::flush;
}

void BenchTable::machine(const BenchResults& results) {
    line(fmt::format("{}, {} cores, {}, {}", results.machine.cpu, results.machine.cores,
                     bytes_text(results.machine.memory_bytes), results.machine.system));
    line(fmt::format("{} threads, kernels {}", results.threads, results.kernels));
}

void BenchTable::limits(const BenchResults& results) {
    line(fmt::format("memory is read at {:.1f} GB/s ({:.1f} by one thread)",
                     results.read_all_threads / 1e9, results.read_one_thread / 1e9));
}

void BenchTable::product(const ProductSpeed& p) {
    begin(Part::kProducts, fmt::format("{:<26}{:<11}{:>18}{:>11}{:>11}{:>8}", "fp32 product", "",
                                       "m x n x k", "GFLOP/s", "OpenBLAS", "ratio"));
    line(fmt::format(
        "{:<26}{:<11}{:>18}{:>11.1f}{:>11}{:>8}", p.name, p.operation,
        fmt::format("{} x {} x {}", p.m, p.n, p.k), p.gflops,
        p.openblas_gflops ? fmt::format("{:.1f}", *p.openblas_gflops) : std::string("-"),
        percent(p.gflops, p.openblas_gflops.value_or(0))));
}

void BenchTable::openblas(const BenchResults& results) {
    line(results.openblas ? "beside " + *results.openblas
                          : "OpenBLAS is not installed (Debian: libopenblas0-pthread)");
}

void BenchTable::matvec(const MatvecSpeed& speed) {
    begin(Part::kMatvec, fmt::format("{:<26}{:>18}{:>11}{:>19}", "matrix x vector", "rows x cols",
                                     "GB/s", "of memory's speed"));
    line(fmt::format("{:<26}{:>18}{:>11.1f}{:>19}", tensor::weight_type_name(speed.type),
                     fmt::format("{} x {}", speed.rows, speed.cols), speed.bytes_per_second / 1e9,
                     percent(speed.memory_ratio, 1.0)));
}

void BenchTable::model(const ModelSpeed& s) {
    // Room for the name of a mix of types.
    constexpr std::size_t kType = 17;
    begin(Part::kModels,
          fmt::format("{:<{}}{:<{}}{:>12}{:>16}{:>11}{:>16}{:>19}{:>16}", "model", name_ + 2,
                      "type", kType, "size", "prefill tok/s", "GFLOP/s", "decode tok/s",
                      "of memory's speed", fmt::format("{} at once", s.together)));
    line(fmt::format("{:<{}}{:<{}}{:>12}{:>16.1f}{:>11.1f}{:>16.2f}{:>19}{:>16.1f}", s.name,
                     name_ + 2, s.type, kType, bytes_text(s.bytes_per_token), s.prefill_tokens_s,
                     gflops(s.operations_per_token, s.prefill_tokens_s), s.decode_tokens_s,
                     percent(s.decode_ratio, 1.0), s.together_tokens_s));
}

void BenchTable::training(const TrainingSpeed& s, const BenchResults& results) {
    begin(Part::kTraining,
          fmt::format("{:<12}{:>14}{:>12}{:>12}{:>12}{:>23}", "training", "parameters",
                      "tokens/step", "tokens/s", "GFLOP/s", "of the best product's"));
    const double reached = gflops(s.operations_per_token, s.tokens_s);
    line(fmt::format("{:<12}{:>14}{:>12}{:>12.1f}{:>12.1f}{:>23}", s.name, s.parameters,
                     s.tokens_per_step, s.tokens_s, reached,
                     percent(reached, best_gflops(results))));
}

void BenchTable::skipped(const std::string& what) { line("not measured: " + what); }

std::string bench_json(const BenchResults& results) {
    Json json = {{"schema", kSchema}, {"machine", machine_json(results)}};
    if (!results.products.empty()) json["products"] = products_json(results);
    if (!results.matvec.empty()) json["matvec"] = matvec_json(results);
    if (!results.models.empty()) json["models"] = models_json(results);
    if (!results.training.empty()) json["training"] = training_json(results);
    json["skipped"] = results.skipped;
    return console::json_line(json);
}

}  // namespace cairn::measure
