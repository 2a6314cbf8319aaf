#include "demo/demo_texts.h"

#include <array>
#include <cstdio>
#include <memory>
#include <string_view>

#include "base/disk.h"

namespace cairn::demo {

namespace {

/// A share of the books, by the abbreviations that `bible -f` prints.
struct Share {
    const char* file;
    const char* words;
    std::string_view books;  // each between spaces
};

constexpr std::array<Share, 5> kShares = {{
    {"node1.txt", "Genesis to Ruth", " Ge Exo Lev Num Deu Josh Jdgs Ruth "},
    {"node2.txt", "Kings to the Song of Solomon",
     " 1Ki 2Ki 1Chr 2Chr Ezra Neh Est Job Psa Prv Eccl SSol "},
    {"node3.txt", "Isaiah to Matthew, John to Revelation",
     " Isa Jer Lam Eze Dan Hos Joel Amos Obad Jonah Mic Nahum Hab Zep Hag Zec Mal Mat John Acts "
     "Rom "
     "1Cor 2Cor Gal Eph Phi Col 1Th 2Th 1Tim 2Tim Titus Phmn Heb Jas 1Pet 2Pet 1Jn 2Jn 3Jn Jude "
     "Rev "},
    {"judge.txt", "1 Samuel and Mark", " 1Sm Mark "},
    {"report.txt", "2 Samuel and Luke", " 2Sm Luke "},
}};

struct ClosePipe {
    void operator()(std::FILE* pipe) const { ::pclose(pipe); }
};

Result<std::string> whole_text() {
    const std::unique_ptr<std::FILE, ClosePipe> pipe(
        ::popen("bible -f gen1:1-rev22:21 2>/dev/null", "r"));
    if (!pipe) return io_error("cannot run the program `bible`");
    std::string text;
    char buffer[1 << 16];
    for (std::size_t got; (got = std::fread(buffer, 1, sizeof buffer, pipe.get())) > 0;)
        text.append(buffer, got);
    if (text.size() < 4'000'000)
        return not_found("the program `bible` is missing; install it: apt-get install bible-kjv");
    return text;
}

/// "1Sm3:7 And the boy ..." -> "1Sm" and "And the boy ...".
struct Verse {
    std::string_view book, words;
};

Verse split_verse(std::string_view line) {
    const std::size_t space = line.find(' ');
    if (space == std::string_view::npos) return {};
    std::string_view reference = line.substr(0, space);
    const std::size_t colon = reference.find(':');
    if (colon == std::string_view::npos) return {};
    std::size_t end = colon;
    while (end > 0 && reference[end - 1] >= '0' && reference[end - 1] <= '9') --end;
    return {reference.substr(0, end), line.substr(space + 1)};
}

}  // namespace

Result<DemoTexts> write_demo_texts(const std::string& folder) {
    ASSIGN_OR_RETURN(const std::string text, whole_text());
    std::array<std::string, kShares.size()> shares;
    std::string_view rest = text;
    while (!rest.empty()) {
        const std::size_t end = std::min(rest.find('\n'), rest.size() - 1);
        const Verse verse = split_verse(rest.substr(0, end));
        rest.remove_prefix(end + 1);
        if (verse.book.empty()) continue;
        const std::string name = " " + std::string(verse.book) + " ";
        for (std::size_t i = 0; i < kShares.size(); ++i)
            if (kShares[i].books.find(name) != std::string_view::npos)
                shares[i].append(verse.words).push_back('\n');
    }
    PosixDisk disk(folder);
    DemoTexts texts;
    for (std::size_t i = 0; i < kShares.size(); ++i) {
        if (shares[i].size() < 100'000)
            return invalid("`bible -f` printed verses in a form that the demo does not know");
        RETURN_IF_ERROR(disk.write_atomic(kShares[i].file, as_bytes(shares[i])));
        if (i < 3) {
            texts.private_files.push_back(folder + "/" + kShares[i].file);
            texts.private_books.emplace_back(kShares[i].words);
        }
    }
    texts.judge_file = folder + "/" + kShares[3].file;
    texts.report_file = folder + "/" + kShares[4].file;
    return texts;
}

}  // namespace cairn::demo
