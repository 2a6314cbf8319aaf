#include <algorithm>
#include <queue>
#include <string>
#include <unordered_map>

#include <fmt/core.h>

#include "text/bpe.h"
#include "text/words.h"

namespace cairn::text {

namespace {

struct Word {
    Tokens ids;
    std::int64_t count = 0;
};

struct Candidate {
    std::int64_t count;
    Merge pair;
    // Greater means learnt first: more frequent, then the lowest ids.
    bool operator<(const Candidate& other) const {
        if (count != other.count) return count < other.count;
        if (pair.left != other.pair.left) return pair.left > other.pair.left;
        return pair.right > other.pair.right;
    }
};

std::uint64_t pair_key(Merge pair) { return (std::uint64_t{pair.left} << 32) | pair.right; }

// The words of the texts with how often each occurs. Sorted, so that nothing downstream can depend
// on the order in which a hash map iterates.
std::vector<Word> count_words(std::span<const std::string_view> texts) {
    std::unordered_map<std::string_view, std::int64_t> counts;
    for (std::string_view text : texts) {
        while (!text.empty()) {
            const std::size_t length = next_word(text);
            ++counts[text.substr(0, length)];
            text.remove_prefix(length);
        }
    }
    std::vector<std::pair<std::string_view, std::int64_t>> sorted(counts.begin(), counts.end());
    std::sort(sorted.begin(), sorted.end());
    std::vector<Word> words;
    words.reserve(sorted.size());
    for (const auto& [text, count] : sorted) {
        Word word;
        word.count = count;
        for (const char c : text) word.ids.push_back(static_cast<unsigned char>(c));
        words.push_back(std::move(word));
    }
    return words;
}

// Pair counts, kept up to date while words shrink. The queue may hold outdated counts; these are
// detected when they come to the top, and queued again with the current count.
class PairCounts {
  public:
    explicit PairCounts(std::vector<Word> words) : words_(std::move(words)) {
        for (std::size_t i = 0; i < words_.size(); ++i) add_word(i, 1);
        for (const auto& [key, entry] : pairs_)
            queue_.push({entry.count,
                         {static_cast<std::uint32_t>(key >> 32), static_cast<std::uint32_t>(key)}});
        touched_.clear();
    }

    // The next pair to merge, or count 0 if there is none.
    Candidate best() {
        while (!queue_.empty()) {
            const Candidate top = queue_.top();
            const std::int64_t now = pairs_[pair_key(top.pair)].count;
            if (now == top.count) return top;
            queue_.pop();
            if (now > 0) queue_.push({now, top.pair});
        }
        return {0, {}};
    }

    void merge(Merge pair, std::uint32_t id) {
        std::vector<std::uint32_t> where;
        where.swap(pairs_[pair_key(pair)].words);
        std::sort(where.begin(), where.end());
        where.erase(std::unique(where.begin(), where.end()), where.end());
        for (const std::uint32_t index : where) {
            add_word(index, -1);
            replace(words_[index].ids, pair, id);
            add_word(index, 1);
        }
        for (const Merge& changed : touched_) {
            const std::int64_t count = pairs_[pair_key(changed)].count;
            if (count > 0 && (changed.left == id || changed.right == id))
                queue_.push({count, changed});
        }
        touched_.clear();
        pairs_.erase(pair_key(pair));
    }

  private:
    struct Entry {
        std::int64_t count = 0;
        std::vector<std::uint32_t> words;  // where it occurs or once did
    };

    void add_word(std::size_t index, std::int64_t sign) {
        const Word& word = words_[index];
        for (std::size_t i = 0; i + 1 < word.ids.size(); ++i) {
            const Merge pair{word.ids[i], word.ids[i + 1]};
            Entry& entry = pairs_[pair_key(pair)];
            entry.count += sign * word.count;
            if (sign > 0) {
                if (entry.words.empty() || entry.words.back() != index)
                    entry.words.push_back(static_cast<std::uint32_t>(index));
                if (touched_.empty() || touched_.back() != pair) touched_.push_back(pair);
            }
        }
    }

    static void replace(Tokens& ids, Merge pair, std::uint32_t id) {
        std::size_t out = 0;
        for (std::size_t i = 0; i < ids.size(); ++i) {
            const bool match = i + 1 < ids.size() && Merge{ids[i], ids[i + 1]} == pair;
            ids[out++] = match ? id : ids[i];
            if (match) ++i;
        }
        ids.resize(out);
    }

    std::vector<Word> words_;
    std::unordered_map<std::uint64_t, Entry> pairs_;
    std::priority_queue<Candidate> queue_;
    std::vector<Merge> touched_;
};

}  // namespace

Result<std::unique_ptr<BpeTokenizer>> train_bpe(std::span<const std::string_view> texts,
                                                std::uint32_t vocab, const BpeProgress& progress) {
    if (vocab < kFirstMerge || vocab > kMaxBpeVocab)
        return invalid(fmt::format("a vocabulary has {} to {} tokens, not {}", kFirstMerge,
                                   kMaxBpeVocab, vocab));
    PairCounts counts(count_words(texts));
    std::vector<Merge> merges;
    const std::size_t wanted = vocab - kFirstMerge;
    while (merges.size() < wanted) {
        const Candidate best = counts.best();
        if (best.count < 2) break;
        counts.merge(best.pair, static_cast<std::uint32_t>(kFirstMerge + merges.size()));
        merges.push_back(best.pair);
        if (progress && merges.size() % 64 == 0) progress(merges.size(), wanted);
    }
    return BpeTokenizer::create(std::move(merges));
}

}  // namespace cairn::text
