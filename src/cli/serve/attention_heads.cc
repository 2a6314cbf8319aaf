#include "cli/serve/attention_heads.h"

#include <algorithm>
#include <charconv>
#include <string_view>

#include <fmt/format.h>

#include "base/text.h"

namespace cairn::cli {

namespace {

std::vector<audit::HeadPlace> all_of(model::LayerRange layers, std::uint32_t heads) {
    std::vector<audit::HeadPlace> all;
    for (std::uint32_t layer = layers.begin; layer < layers.end; ++layer)
        for (std::uint32_t head = 0; head < heads; ++head) all.push_back({layer, head});
    return all;
}

/// `count` of them, in their order.
std::vector<audit::HeadPlace> drawn(std::vector<audit::HeadPlace> all, std::size_t count,
                                    Random& random) {
    count = std::min(count, all.size());
    for (std::size_t i = 0; i < count; ++i)
        std::swap(all[i], all[i + random.below(all.size() - i)]);
    all.resize(count);
    std::ranges::sort(all);
    return all;
}

/// Digits alone, all of `text`.
template <typename Number>
bool parse_number(std::string_view text, Number& out) {
    const char* end = text.data() + text.size();
    const auto [at, error] = std::from_chars(text.data(), end, out);
    return error == std::errc() && at == end && !text.empty();
}

bool parse_place(std::string_view word, audit::HeadPlace& place) {
    const std::size_t colon = word.find(':');
    return colon != std::string_view::npos && parse_number(word.substr(0, colon), place.layer) &&
           parse_number(word.substr(colon + 1), place.head);
}

}  // namespace

Result<std::vector<audit::HeadPlace>> heads_of(const std::string& option, const std::string& words,
                                               model::LayerRange layers, std::uint32_t heads,
                                               Random& random) {
    std::vector<audit::HeadPlace> all = all_of(layers, heads);
    if (words == "all") return all;
    std::size_t count = 0;
    if (parse_number(words, count) && count > 0) return drawn(std::move(all), count, random);
    std::vector<audit::HeadPlace> named;
    for (std::string_view rest = words;;) {
        const std::size_t comma = rest.find(',');
        audit::HeadPlace place;
        if (!parse_place(rest.substr(0, comma), place))
            return misused(fmt::format("{} is {}, such as 0:3,1:0; not \"{}\"", option, kHeadsHelp,
                                       printable_line(words)));
        if (!layers.contains(place.layer) || place.head >= heads)
            return misused(fmt::format(
                "{}: there is no head {} in layer {} of this session, which went through layers "
                "{}-{} (up to, not including, {}) with {} heads each, counted from 0",
                option, place.head, place.layer, layers.begin, layers.end, layers.end, heads));
        named.push_back(place);
        if (comma == std::string_view::npos) break;
        rest.remove_prefix(comma + 1);
    }
    std::ranges::sort(named);
    named.erase(std::unique(named.begin(), named.end()), named.end());
    return named;
}

Result<std::vector<audit::HeadPlace>> heads_among(const std::string& option,
                                                  const std::string& words,
                                                  model::LayerRange layers,
                                                  const model::ModelConfig& config,
                                                  Random& random) {
    const bool named = words.find(':') != std::string::npos;
    ASSIGN_OR_RETURN(
        std::vector<audit::HeadPlace> heads,
        heads_of(option, words, named ? model::all_layers(config) : layers, config.heads, random));
    std::erase_if(heads,
                  [&](const audit::HeadPlace& place) { return !layers.contains(place.layer); });
    return heads;
}

Result<audit::ShareOf> parse_share(const std::string& words) {
    const std::size_t slash = words.find('/');
    std::size_t share = 0, shares = 0;
    const std::string_view all(words);
    if (slash == std::string::npos || !parse_number(all.substr(0, slash), share) ||
        !parse_number(all.substr(slash + 1), shares) || share < 1 || share > shares ||
        shares > argument::kMaxShares)
        return misused(fmt::format(
            "--share is I/N, the I-th of N shares, 2/4 for example, and N is {} at most",
            argument::kMaxShares));
    return audit::ShareOf{share - 1, shares};
}

}  // namespace cairn::cli
