#include "formats/weight_memory.h"

#include <algorithm>
#include <cstring>
#include <new>

namespace cairn::formats {

namespace {
constexpr std::align_val_t kLine{64};
}  // namespace

void WeightMemory::Free::operator()(std::uint8_t* memory) const {
    ::operator delete[](memory, kLine);
}

void WeightMemory::keep(const SharedSource& source) {
    if (std::find(sources_.begin(), sources_.end(), source) == sources_.end())
        sources_.push_back(source);
}

std::uint8_t* WeightMemory::buffer(std::size_t bytes) {
    auto* memory = static_cast<std::uint8_t*>(::operator new[](bytes, kLine));
    std::memset(memory, 0, bytes);
    buffers_.emplace_back(memory);
    return memory;
}

}  // namespace cairn::formats
