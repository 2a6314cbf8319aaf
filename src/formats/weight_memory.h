// WeightMemory owns the memory behind a loaded model's weights: files that stay mapped, and buffers
// for what had to be copied out of them (because it is widened, transposed or badly aligned).
#pragma once

#include <memory>
#include <vector>

#include "formats/source.h"

namespace cairn::formats {

class WeightMemory {
  public:
    void keep(const SharedSource& source);
    /// Zeros, aligned to 64 bytes.
    std::uint8_t* buffer(std::size_t bytes);

  private:
    struct Free {
        void operator()(std::uint8_t* memory) const;
    };
    std::vector<SharedSource> sources_;
    std::vector<std::unique_ptr<std::uint8_t[], Free>> buffers_;
};

}  // namespace cairn::formats
