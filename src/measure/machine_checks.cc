#include "measure/machine_checks.h"

#include <sys/timex.h>

#include <algorithm>
#include <array>
#include <cstdlib>
#include <thread>

#include <fmt/format.h>

#include "base/bytes_text.h"
#include "base/clock.h"
#include "base/files.h"
#include "base/float_mode.h"
#include "base/time_text.h"
#include "measure/machine_facts.h"
#include "tensor/self_check.h"

namespace cairn::measure {

namespace {

constexpr std::uint64_t kGigabyte = 1'000'000'000;

Diagnosis ok(std::string name, std::string found) {
    return {std::move(name), Health::kOk, std::move(found), {}};
}
Diagnosis warning(std::string name, std::string found, std::string advice) {
    return {std::move(name), Health::kWarning, std::move(found), std::move(advice)};
}
Diagnosis problem(std::string name, std::string found, std::string advice) {
    return {std::move(name), Health::kProblem, std::move(found), std::move(advice)};
}

std::size_t or_all_cores(std::size_t threads) {
    return threads != 0 ? threads : std::max<std::size_t>(1, machine_facts().cores);
}

}  // namespace

const char* health_name(Health health) {
    switch (health) {
        case Health::kOk:
            return "ok";
        case Health::kWarning:
            return "warning";
        case Health::kProblem:
            return "problem";
    }
    return "unknown";
}

Diagnosis check_processor() {
    const MachineFacts facts = machine_facts();
    const std::string found =
        fmt::format("{}, {} cores{}{}", facts.cpu.empty() ? "unknown" : facts.cpu, facts.cores,
                    facts.features.empty() ? "" : ", ", facts.features);
    return ok("processor", found);
}

Diagnosis check_kernel_choice() {
    std::string available;
    for (const tensor::KernelSet set : tensor::available_kernel_sets())
        available += (available.empty() ? "" : ", ") + std::string(tensor::kernel_set_name(set));
    const tensor::KernelSet fastest = tensor::available_kernel_sets().back();
    const char* wish = std::getenv("CAIRN_KERNELS");
    const auto chosen = tensor::kernels_from_environment();
    if (!chosen.ok())
        return problem("kernels",
                       fmt::format("CAIRN_KERNELS={}: {}", wish == nullptr ? "" : wish,
                                   chosen.error().message),
                       "unset CAIRN_KERNELS, or set it to one of: " + available);
    const tensor::KernelSet set = tensor::kernel_set_of(**chosen);
    const std::string found =
        fmt::format("{}, {}; this machine has {}", tensor::kernel_set_name(set),
                    wish != nullptr ? "as CAIRN_KERNELS says" : "the fastest here", available);
    if (set != fastest)
        return warning("kernels", found,
                       fmt::format("unset CAIRN_KERNELS to compute with {}: the same bits, sooner",
                                   tensor::kernel_set_name(fastest)));
    if (fastest == tensor::KernelSet::kScalar)
        return warning("kernels", found,
                       "this processor has no vector instructions that Cairn knows; everything "
                       "works, slowly");
    return ok("kernels", found);
}

std::vector<Diagnosis> check_arithmetic(std::size_t threads) {
    ThreadPool pool(or_all_cores(threads));
    const auto findings = tensor::self_check(pool);
    std::vector<Diagnosis> all;
    for (const tensor::KernelSet set : tensor::available_kernel_sets()) {
        std::size_t groups = 0;
        std::string failed;
        for (const tensor::SelfCheckFinding& finding : findings) {
            if (finding.set != set) continue;
            ++groups;
            if (!finding.passed())
                failed += (failed.empty() ? "" : ", ") +
                          fmt::format("{} {:016x} instead of {:016x}", finding.group, finding.found,
                                      finding.expected);
        }
        const std::string name = fmt::format("self-check {}", tensor::kernel_set_name(set));
        if (failed.empty())
            all.push_back(
                ok(name, fmt::format("{} groups of operators have the recorded bits", groups)));
        else
            all.push_back(problem(name, failed,
                                  "this machine computes other bits than the network: do not mine "
                                  "or serve with it; try CAIRN_KERNELS=reference, and report this "
                                  "line with your processor and compiler"));
    }
    return all;
}

Diagnosis check_float_arithmetic() {
    set_float_mode();
    // volatile, so that the processor computes this at run time, not the compiler.
    volatile float smallest_normal = 0x1p-126F, half = 0.5F, one = 1.0F, tie = 0x1p-24F;
    volatile float three = 1.0F + 0x1p-23F;
    const bool subnormals = smallest_normal * half == 0x1p-127F;
    const bool ties_to_even = one + tie == 1.0F && three + tie == 1.0F + 0x1p-22F;
    if (subnormals && ties_to_even)
        return ok("floating point", "rounds to nearest even, keeps subnormal numbers");
    return problem("floating point",
                   fmt::format("{}{}", subnormals ? "" : "subnormal numbers become zero. ",
                               ties_to_even ? "" : "does not round to nearest even."),
                   "a library or emulator changed the processor's mode; run Cairn by itself");
}

Diagnosis check_threads(std::size_t threads) {
    const std::size_t used = or_all_cores(threads);
    const std::size_t cores = machine_facts().cores;
    const std::size_t installed = std::thread::hardware_concurrency();
    std::array<double, 1> load{};
    const bool known = getloadavg(load.data(), 1) == 1;
    const std::string found = fmt::format(
        "{} of {} cores{}", used, std::max(cores, installed),
        known ? fmt::format(", load {:.1f} in the last minute", load[0]) : std::string());
    if (used > cores)
        return warning("threads", found,
                       fmt::format("more threads than the {} cores slow each other down", cores));
    if (known && load[0] > 1.5 * static_cast<double>(cores))
        return warning("threads", found,
                       "other programs use this machine: what you measure now will be slow");
    return ok("threads", found);
}

Diagnosis check_memory() {
    const MachineFacts facts = machine_facts();
    const std::string found = fmt::format("{} free of {}", bytes_text(facts.memory_free_bytes),
                                          bytes_text(facts.memory_bytes));
    if (facts.memory_bytes == 0) return ok("memory", "unknown");
    if (facts.memory_free_bytes < kGigabyte / 4)
        return problem("memory", found, "close other programs; a node needs about 250 MB");
    if (facts.memory_free_bytes < 2 * kGigabyte)
        return warning("memory", found,
                       "enough for small models; a model needs about its file's size");
    return ok("memory", found);
}

Diagnosis check_disk(const std::string& directory) {
    // The nearest folder that exists.
    const auto absolute = absolute_path(directory.empty() ? "." : directory);
    std::string folder = absolute.ok() ? *absolute : ".";
    while (!exists(folder) && folder != "/" && folder != ".") folder = folder_of(folder);
    const std::uint64_t free = disk_free_bytes(folder);
    const std::string found = fmt::format("{} free at {}", bytes_text(free), folder);
    if (free < kGigabyte / 5)
        return problem("disk", found, "free some space, or choose another --dir");
    if (free < 2 * kGigabyte)
        return warning("disk", found, "a node's snapshots and bodies will fill this");
    return ok("disk", found);
}

Diagnosis check_clock() {
    // 2025-01-01: this program is younger, so an earlier time must be wrong.
    constexpr std::uint64_t kOldest = 1'735'689'600'000;
    const SystemClock clock;
    const std::string now = time_text(clock.wall_ms());
    if (clock.wall_ms() < kOldest)
        return problem("clock", now, "set the date; a node with a wrong clock refuses blocks");
    timex state{};
    if (adjtimex(&state) == TIME_ERROR)
        return warning("clock", now + ", not kept by a time service",
                       "start one (systemd-timesyncd, chrony): blocks of a node that is minutes "
                       "off are refused");
    return ok("clock", now + ", kept by a time service");
}

Diagnosis check_test_data() {
    const char* named = std::getenv("CAIRN_TEST_DATA");
    const std::string folder = named != nullptr ? named : "../shared/data";
    if (exists(folder + "/stories260K")) return ok("test data", folder);
    return ok("test data", "none at " + folder +
                               ": tests that need real material are skipped (CAIRN_TEST_DATA)");
}

}  // namespace cairn::measure
