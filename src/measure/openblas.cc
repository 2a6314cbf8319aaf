#include "measure/openblas.h"

#include <dlfcn.h>

namespace cairn::measure {

namespace {

// Values of the C interface to BLAS.
constexpr int kRowMajor = 101;
constexpr int kAsIs = 111;
constexpr int kTransposed = 112;

template <typename Function>
Function find(void* library, const char* name) {
    return reinterpret_cast<Function>(dlsym(library, name));
}

int dimension(std::size_t value) { return static_cast<int>(value); }

}  // namespace

std::optional<OpenBlas> OpenBlas::open(std::size_t threads) {
    // Never closed: its threads live until the process ends.
    void* library = dlopen("libopenblas.so.0", RTLD_NOW | RTLD_LOCAL);
    if (library == nullptr) return std::nullopt;
    const auto sgemm = find<Sgemm>(library, "cblas_sgemm");
    const auto set_threads = find<void (*)(int)>(library, "openblas_set_num_threads");
    const auto config = find<char* (*)()>(library, "openblas_get_config");
    const auto core = find<char* (*)()>(library, "openblas_get_corename");
    if (sgemm == nullptr || set_threads == nullptr || config == nullptr || core == nullptr)
        return std::nullopt;
    set_threads(static_cast<int>(threads));
    return OpenBlas(sgemm, std::string(config()) + ", kernels " + core());
}

void OpenBlas::nt(tensor::ConstMatrix a, tensor::ConstMatrix b, tensor::Matrix c) const {
    sgemm_(kRowMajor, kAsIs, kTransposed, dimension(c.rows), dimension(c.cols), dimension(a.cols),
           1.0F, a.data, dimension(a.stride), b.data, dimension(b.stride), 0.0F, c.data,
           dimension(c.stride));
}

void OpenBlas::nn(tensor::ConstMatrix a, tensor::ConstMatrix b, tensor::Matrix c) const {
    sgemm_(kRowMajor, kAsIs, kAsIs, dimension(c.rows), dimension(c.cols), dimension(a.cols), 1.0F,
           a.data, dimension(a.stride), b.data, dimension(b.stride), 0.0F, c.data,
           dimension(c.stride));
}

void OpenBlas::tn_accumulate(tensor::ConstMatrix a, tensor::ConstMatrix b, tensor::Matrix c) const {
    sgemm_(kRowMajor, kTransposed, kAsIs, dimension(c.rows), dimension(c.cols), dimension(a.rows),
           1.0F, a.data, dimension(a.stride), b.data, dimension(b.stride), 1.0F, c.data,
           dimension(c.stride));
}

}  // namespace cairn::measure
