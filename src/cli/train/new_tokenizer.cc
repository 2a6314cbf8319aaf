#include "cli/train/new_tokenizer.h"

#include <utility>

#include "base/clock.h"
#include "base/progress.h"
#include "console/shown_stream.h"
#include "text/bpe.h"

namespace cairn::cli {

Result<std::unique_ptr<text::Tokenizer>> new_tokenizer(const TrainRequest& request,
                                                       const std::vector<std::string_view>& texts,
                                                       const console::Interrupt& interrupt) {
    const std::uint32_t vocab = request.characters ? text::kFirstMerge : request.shape.vocab;
    const SystemClock clock;
    Progress progress(clock, "learning a tokenizer", vocab - text::kFirstMerge);
    bool said = false;
    ASSIGN_OR_RETURN(std::unique_ptr<text::Tokenizer> tokenizer,
                     text::train_bpe(texts, vocab, [&](std::uint64_t done, std::uint64_t) {
                         if (interrupt.raised() && !std::exchange(said, true)) {
                             progress.clear();
                             console::say(
                                 "stopping as soon as the tokenizer is learnt, so that it "
                                 "can be saved; Ctrl-C again stops at once");
                         }
                         progress.update(done);
                     }));
    return tokenizer;
}

}  // namespace cairn::cli
