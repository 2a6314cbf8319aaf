// CONSENSUS: changing a result here splits the network.
#include "train/data.h"

#include <algorithm>
#include <string>

#include "base/check.h"
#include "tensor/philox.h"

namespace cairn::train {

Status check_tokens(std::span<const std::uint32_t> tokens, std::uint32_t context,
                    std::uint32_t vocab) {
    if (tokens.size() <= context)
        return invalid("the text has " + std::to_string(tokens.size()) +
                       " tokens; training needs more than its context of " +
                       std::to_string(context));
    for (const std::uint32_t token : tokens)
        if (token >= vocab)
            return invalid("token " + std::to_string(token) + " is outside the vocabulary of " +
                           std::to_string(vocab) + ": another tokenizer made this text");
    return ok_status();
}

std::uint64_t window_start(std::uint64_t seed, std::uint64_t step, std::uint64_t index,
                           std::uint64_t tokens, std::uint32_t context) {
    CHECK(tokens > context);
    return tensor::mulhi64(tensor::philox_u64(seed, step, index), tokens - context);
}

void gather_windows(std::span<const std::uint32_t> tokens, std::span<const std::uint64_t> starts,
                    std::uint32_t context, std::vector<std::uint32_t>& inputs,
                    std::vector<std::uint32_t>& targets) {
    inputs.clear();
    targets.clear();
    for (const std::uint64_t start : starts) {
        CHECK(start < tokens.size() && tokens.size() - start > context);
        const auto window = tokens.subspan(start, context + std::size_t{1});
        inputs.insert(inputs.end(), window.begin(), window.end() - 1);
        targets.insert(targets.end(), window.begin() + 1, window.end());
    }
}

std::vector<std::uint32_t> mix_texts(std::vector<std::uint32_t> own,
                                     std::span<const std::uint32_t> public_text,
                                     std::uint32_t share) {
    CHECK(share < 65536 && (share == 0 || !public_text.empty()));
    std::uint64_t wanted = std::uint64_t{own.size()} * share / (65536 - share);
    own.reserve(own.size() + wanted);
    while (wanted > 0) {
        const auto part = public_text.first(std::min<std::uint64_t>(wanted, public_text.size()));
        own.insert(own.end(), part.begin(), part.end());
        wanted -= part.size();
    }
    return own;
}

}  // namespace cairn::train
