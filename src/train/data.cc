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

std::vector<std::span<const std::uint32_t>> parts_of(std::span<const std::uint32_t> text,
                                                     std::span<const std::uint64_t> lengths) {
    if (lengths.empty()) return {text};
    std::vector<std::span<const std::uint32_t>> parts;
    for (const std::uint64_t length : lengths) {
        CHECK(length <= text.size());
        parts.push_back(text.first(length));
        text = text.subspan(length);
    }
    CHECK(text.empty());
    return parts;
}

std::vector<std::uint32_t> mix_texts(std::vector<std::uint32_t> own,
                                     std::span<const std::span<const std::uint32_t>> public_texts,
                                     std::uint32_t share) {
    CHECK(share < 65536);
    if (share == 0) return own;
    CHECK(!public_texts.empty());
    const std::uint64_t all = std::uint64_t{own.size()} * share / (65536 - share);
    own.reserve(own.size() + all);
    for (std::size_t i = 0; i < public_texts.size(); ++i) {
        const std::span<const std::uint32_t> text = public_texts[i];
        CHECK(!text.empty());
        std::uint64_t wanted = all * (i + 1) / public_texts.size() - all * i / public_texts.size();
        while (wanted > 0) {
            const auto piece = text.first(std::min<std::uint64_t>(wanted, text.size()));
            own.insert(own.end(), piece.begin(), piece.end());
            wanted -= piece.size();
        }
    }
    return own;
}

}  // namespace cairn::train
