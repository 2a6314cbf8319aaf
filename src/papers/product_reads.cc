#include "papers/product_reads.h"

#include <vector>

namespace cairn::papers {

namespace {

/// Numbers in memory, and whether each is in the fast memory by now.
class Counted {
  public:
    Counted(std::size_t rows, std::size_t columns, bool hierarchy, std::uint64_t& reads)
        : columns_(columns),
          values_(rows * columns),
          fast_(rows * columns),
          hierarchy_(hierarchy),
          reads_(reads) {}

    /// Small whole numbers: sums of their products are exact in any order.
    void fill(std::uint32_t seed) {
        for (double& value : values_) {
            seed = seed * 1664525U + 1013904223U;
            value = static_cast<double>(seed >> 28) - 8;
        }
    }

    double read(std::size_t row, std::size_t column) {
        const std::size_t at = row * columns_ + column;
        if (!hierarchy_ || fast_[at] == 0) reads_ += 1;
        fast_[at] = 1;
        return values_[at];
    }

    void write(std::size_t row, std::size_t column, double value) {
        const std::size_t at = row * columns_ + column;
        values_[at] = value;
        fast_[at] = 1;
    }

  private:
    std::size_t columns_;
    std::vector<double> values_;
    std::vector<char> fast_;
    bool hierarchy_;
    std::uint64_t& reads_;
};

}  // namespace

CountedReads count_product(std::size_t m, std::size_t n, std::size_t t, bool hierarchy) {
    CountedReads counted;
    Counted w(m, n, hierarchy, counted.reads), x(n, t, hierarchy, counted.reads);
    w.fill(1);
    x.fill(2);
    for (std::size_t i = 0; i < m; ++i)
        for (std::size_t j = 0; j < t; ++j)
            for (std::size_t l = 0; l < n; ++l) counted.checksum += w.read(i, l) * x.read(l, j);
    return counted;
}

CountedReads count_low_rank(std::size_t m, std::size_t n, std::size_t k, std::size_t t,
                            bool hierarchy) {
    CountedReads counted;
    Counted u(m, k, hierarchy, counted.reads), s(k, 1, hierarchy, counted.reads),
        v(n, k, hierarchy, counted.reads), x(n, t, hierarchy, counted.reads),
        inner(k, t, hierarchy, counted.reads);
    u.fill(1);
    s.fill(2);
    v.fill(3);
    x.fill(4);
    for (std::size_t r = 0; r < k; ++r)
        for (std::size_t j = 0; j < t; ++j) {
            double sum = 0;
            for (std::size_t l = 0; l < n; ++l) sum += v.read(l, r) * x.read(l, j);
            inner.write(r, j, sum);
        }
    for (std::size_t r = 0; r < k; ++r)
        for (std::size_t j = 0; j < t; ++j) inner.write(r, j, s.read(r, 0) * inner.read(r, j));
    for (std::size_t i = 0; i < m; ++i)
        for (std::size_t j = 0; j < t; ++j)
            for (std::size_t r = 0; r < k; ++r) counted.checksum += u.read(i, r) * inner.read(r, j);
    return counted;
}

}  // namespace cairn::papers
