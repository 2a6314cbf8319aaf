// The randomised decomposition beside LAPACK's divide and conquer (sgesdd, by OpenBLAS), in one run
// and by turns: seconds of each, and how far the residual of ours is above the best of that rank,
// which LAPACK's singular values tell. Built where LAPACKE is installed (Debian: liblapacke-dev,
// libopenblas-pthread-dev); no part of the product.
//
// OpenBLAS's threads spin while they wait, so on a machine with other work only one thread each and
// the processor's time (the second figure) are a fair comparison.
//
//   ninja -C build lowrank_lapack && build/lowrank_lapack [THREADS [ROWS COLS [ROUNDS]]]
#include <lapacke.h>

#include <algorithm>
#include <cmath>
#include <cstdlib>
#include <ctime>
#include <thread>

#include <fmt/core.h>

#include "base/clock.h"
#include "base/text.h"
#include "lowrank/svd.h"
#include "lowrank/test_matrices.h"
#include "tensor/matmul.h"

extern "C" void openblas_set_num_threads(int threads);

namespace cairn::lowrank {
namespace {

using tensor::ConstMatrix;
using tensor::Matrix;

double now() { return static_cast<double>(SystemClock().monotonic_us()) / 1e6; }

// Of all threads.
double processor() { return static_cast<double>(std::clock()) / CLOCKS_PER_SEC; }

struct Lapack {
    std::vector<float> s;
    double seconds = 0, processor = 0;
};

Lapack sgesdd(std::size_t m, std::size_t n, std::vector<float> w) {
    const std::size_t r = std::min(m, n);
    Lapack result;
    result.s.resize(r);
    std::vector<float> u(m * r), v(r * n);
    const double begin = now(), busy = processor();
    // Row-major m x n is column-major n x m: no copy is turned, and the values are the same.
    const auto failed =
        LAPACKE_sgesdd(LAPACK_COL_MAJOR, 'S', static_cast<int>(n), static_cast<int>(m), w.data(),
                       static_cast<int>(n), result.s.data(), v.data(), static_cast<int>(n),
                       u.data(), static_cast<int>(r));
    result.seconds = now() - begin;
    result.processor = processor() - busy;
    CHECK(failed == 0);
    return result;
}

double residual(const tensor::Compute& compute, ConstMatrix w, const Svd& svd) {
    std::vector<float> left(w.rows * svd.rank), product(w.rows * w.cols);
    for (std::size_t i = 0; i < w.rows; ++i)
        for (std::size_t r = 0; r < svd.rank; ++r)
            left[i * svd.rank + r] = static_cast<float>(double{svd.u[r * w.rows + i]} * svd.s[r]);
    tensor::matmul_nn(compute, ConstMatrix(left.data(), w.rows, svd.rank),
                      ConstMatrix(svd.v.data(), svd.rank, w.cols),
                      Matrix(product.data(), w.rows, w.cols));
    double sum = 0;
    for (std::size_t i = 0; i < product.size(); ++i) {
        const double error = double{w.data[i]} - double{product[i]};
        sum += error * error;
    }
    return std::sqrt(sum);
}

void compare(const TestMachine& machine, std::size_t m, std::size_t n, std::size_t rounds) {
    const std::size_t k = std::min(m, n) / 5;
    for (const auto& [spectrum, name] :
         {std::pair{Spectrum::kFlat, "flat"}, {Spectrum::kSlow, "1/sqrt(i)"}}) {
        const std::vector<float> values = test_matrix(m, n, spectrum, 1);
        const ConstMatrix w(values.data(), m, n);
        for (std::size_t round = 0; round < rounds; ++round) {
            const Lapack whole = sgesdd(m, n, values);
            double best = 0;
            for (std::size_t i = k; i < whole.s.size(); ++i)
                best += double{whole.s[i]} * double{whole.s[i]};
            for (const std::size_t steps : {2UL, 3UL}) {
                const double begin = now(), busy = processor();
                const Svd svd = low_rank_svd(machine.compute, w, {.rank = k, .power_steps = steps});
                const double seconds = now() - begin, used = processor() - busy;
                fmt::print(
                    "{:5} x {:5} rank {:4} {:10} power steps {}: ours {:7.2f} s ({:7.2f}), sgesdd "
                    "{:7.2f} s ({:7.2f}), {:5.1f} x ({:.1f} x); residual {:.4f} of the best\n",
                    m, n, k, name, steps, seconds, used, whole.seconds, whole.processor,
                    whole.seconds / seconds, whole.processor / used,
                    residual(machine.compute, w, svd) / std::sqrt(best));
                std::fflush(stdout);
            }
        }
    }
}

}  // namespace
}  // namespace cairn::lowrank

int main(int argc, char** argv) {
    using namespace cairn::lowrank;
    const auto number = [&](int i) {
        return static_cast<std::size_t>(cairn::parse_whole(argv[i], "an argument").value());
    };
    const std::size_t threads =
        argc > 1 ? number(1) : std::max(1U, std::thread::hardware_concurrency());
    openblas_set_num_threads(static_cast<int>(threads));
    const TestMachine machine(threads);
    if (argc > 3) {
        compare(machine, number(2), number(3), argc > 4 ? number(4) : 1);
        return 0;
    }
    compare(machine, 768, 2304, 3);
    compare(machine, 3072, 768, 3);
    compare(machine, 4096, 11008, 1);
    return 0;
}
