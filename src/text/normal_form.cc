#include "text/normal_form.h"

#include <algorithm>
#include <array>
#include <vector>

#include <utf8proc.h>

#include "base/check.h"

namespace cairn::text {

namespace {

using Codes = std::vector<utf8proc_int32_t>;

constexpr std::size_t kMostParts = 8;  // of one character; Unicode's have four

int order_of(utf8proc_int32_t code) {
    return static_cast<int>(utf8proc_get_property(code)->combining_class);
}

/// Each character's parts, still in the order of the text; false if it is not UTF-8.
bool decompose(std::string_view text, Codes& codes) {
    codes.reserve(text.size());
    int unused = 0;
    std::array<utf8proc_int32_t, kMostParts> parts{};
    while (!text.empty()) {
        utf8proc_int32_t code = 0;
        const utf8proc_ssize_t bytes =
            utf8proc_iterate(reinterpret_cast<const utf8proc_uint8_t*>(text.data()),
                             static_cast<utf8proc_ssize_t>(text.size()), &code);
        if (bytes <= 0) return false;
        const utf8proc_ssize_t count = utf8proc_decompose_char(
            code, parts.data(), static_cast<utf8proc_ssize_t>(parts.size()),
            static_cast<utf8proc_option_t>(UTF8PROC_STABLE | UTF8PROC_DECOMPOSE), &unused);
        CHECK(count >= 0 && count <= static_cast<utf8proc_ssize_t>(parts.size()));
        codes.insert(codes.end(), parts.begin(), parts.begin() + count);
        text.remove_prefix(static_cast<std::size_t>(bytes));
    }
    return true;
}

/// Unicode's canonical order: marks stand by their class, those of one class as they came.
void put_in_order(Codes& codes) {
    const auto is_mark = [](utf8proc_int32_t code) { return order_of(code) != 0; };
    const auto before = [](utf8proc_int32_t a, utf8proc_int32_t b) {
        return order_of(a) < order_of(b);
    };
    auto begin = codes.begin();
    while ((begin = std::find_if(begin, codes.end(), is_mark)) != codes.end()) {
        const auto end = std::find_if_not(begin, codes.end(), is_mark);
        if (!std::is_sorted(begin, end, before)) std::stable_sort(begin, end, before);
        begin = end;
    }
}

}  // namespace

bool append_normal(std::string_view text, NormalForm form, std::string& out) {
    Codes codes;
    if (!decompose(text, codes)) return false;
    put_in_order(codes);
    if (form == NormalForm::kComposed) {
        const utf8proc_ssize_t length = utf8proc_normalize_utf32(
            codes.data(), static_cast<utf8proc_ssize_t>(codes.size()),
            static_cast<utf8proc_option_t>(UTF8PROC_STABLE | UTF8PROC_COMPOSE));
        CHECK(length >= 0);
        codes.resize(static_cast<std::size_t>(length));
    }
    for (const utf8proc_int32_t code : codes) {
        std::array<utf8proc_uint8_t, 4> bytes{};
        const auto count = static_cast<std::size_t>(utf8proc_encode_char(code, bytes.data()));
        out.append(reinterpret_cast<const char*>(bytes.data()), count);
    }
    return true;
}

}  // namespace cairn::text
