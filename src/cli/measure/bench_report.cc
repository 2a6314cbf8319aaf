#include "cli/measure/bench_report.h"

#include <ostream>

#include <fmt/format.h>
#include <nlohmann/json.hpp>

namespace cairn::cli {

namespace {

using Json = nlohmann::ordered_json;

constexpr int kSchema = 1;

// The fastest fp32 product measured: what prefill and training in fp32 are beside. 0: none.
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

void print_machine(const BenchResults& results, std::ostream& out) {
    out << fmt::format("{}, {} cores, {}, {}\n", results.machine.cpu, results.machine.cores,
                       bytes_text(results.machine.memory_bytes), results.machine.system);
    out << fmt::format("{} threads, kernels {}\n", results.threads, results.kernels);
    if (results.read_all_threads > 0)
        out << fmt::format("memory is read at {:.1f} GB/s ({:.1f} by one thread)\n",
                           results.read_all_threads / 1e9, results.read_one_thread / 1e9);
}

void print_products(const BenchResults& results, std::ostream& out) {
    out << fmt::format("\n{:<26}{:<11}{:>18}{:>11}{:>11}{:>8}\n", "fp32 product", "", "m x n x k",
                       "GFLOP/s", "OpenBLAS", "ratio");
    for (const ProductSpeed& p : results.products)
        out << fmt::format(
            "{:<26}{:<11}{:>18}{:>11.1f}{:>11}{:>8}\n", p.name, p.operation,
            fmt::format("{} x {} x {}", p.m, p.n, p.k), p.gflops,
            p.openblas_gflops ? fmt::format("{:.1f}", *p.openblas_gflops) : std::string("-"),
            percent(p.gflops, p.openblas_gflops.value_or(0)));
    if (results.openblas)
        out << "beside " << *results.openblas << '\n';
    else
        out << "OpenBLAS is not installed (Debian: libopenblas0-pthread)\n";
}

void print_matvec(const BenchResults& results, std::ostream& out) {
    out << fmt::format("\n{:<26}{:>18}{:>11}{:>19}\n", "matrix x vector", "rows x cols", "GB/s",
                       "of memory's speed");
    for (const MatvecSpeed& speed : results.matvec)
        out << fmt::format("{:<26}{:>18}{:>11.1f}{:>19}\n", tensor::weight_type_name(speed.type),
                           fmt::format("{} x {}", speed.rows, speed.cols),
                           speed.bytes_per_second / 1e9, percent(speed.memory_ratio, 1.0));
}

void print_models(const BenchResults& results, std::ostream& out) {
    // Files have longer names than shapes, and mixes longer types.
    std::size_t name = 10;
    std::size_t type = 5;
    for (const ModelSpeed& s : results.models) {
        name = std::max(name, s.name.size());
        type = std::max(type, s.type.size());
    }
    out << fmt::format(
        "\n{:<{}}{:<{}}{:>12}{:>16}{:>11}{:>16}{:>19}{:>16}\n", "model", name + 2, "type", type + 2,
        "size", "prefill tok/s", "GFLOP/s", "decode tok/s", "of memory's speed",
        results.models.empty() ? "" : fmt::format("{} at once", results.models.front().together));
    for (const ModelSpeed& s : results.models)
        out << fmt::format("{:<{}}{:<{}}{:>12}{:>16.1f}{:>11.1f}{:>16.2f}{:>19}{:>16.1f}\n", s.name,
                           name + 2, s.type, type + 2, bytes_text(s.bytes_per_token),
                           s.prefill_tokens_s, gflops(s.operations_per_token, s.prefill_tokens_s),
                           s.decode_tokens_s, percent(s.decode_ratio, 1.0), s.together_tokens_s);
}

void print_training(const BenchResults& results, std::ostream& out) {
    out << fmt::format("\n{:<12}{:>14}{:>12}{:>12}{:>12}{:>23}\n", "training", "parameters",
                       "tokens/step", "tokens/s", "GFLOP/s", "of the best product's");
    for (const TrainingSpeed& s : results.training) {
        const double reached = gflops(s.operations_per_token, s.tokens_s);
        out << fmt::format("{:<12}{:>14}{:>12}{:>12.1f}{:>12.1f}{:>23}\n", s.name, s.parameters,
                           s.tokens_per_step, s.tokens_s, reached,
                           percent(reached, best_gflops(results)));
    }
}

}  // namespace

std::string bench_json(const BenchResults& results) {
    Json json = {{"schema", kSchema}, {"machine", machine_json(results)}};
    if (!results.products.empty()) json["products"] = products_json(results);
    if (!results.matvec.empty()) json["matvec"] = matvec_json(results);
    if (!results.models.empty()) json["models"] = models_json(results);
    if (!results.training.empty()) json["training"] = training_json(results);
    json["skipped"] = results.skipped;
    return json.dump(-1, ' ', false, Json::error_handler_t::replace);
}

void print_bench(const BenchResults& results, std::ostream& out) {
    print_machine(results, out);
    if (!results.products.empty()) print_products(results, out);
    if (!results.matvec.empty()) print_matvec(results, out);
    if (!results.models.empty()) print_models(results, out);
    if (!results.training.empty()) print_training(results, out);
    for (const std::string& line : results.skipped) out << "not measured: " << line << '\n';
}

}  // namespace cairn::cli
