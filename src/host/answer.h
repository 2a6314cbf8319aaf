// Answer: one of a request's answers as it is written: tokens become text, text ends at a stop
// string, and the listener is told.
#pragma once

#include "host/ready_model.h"
#include "host/text_job.h"
#include "infer/batch.h"
#include "infer/stop_strings.h"

namespace cairn::host {

class Answer {
  public:
    /// The model must outlive it. The job's prompt has been read.
    Answer(TextJobPtr job, std::size_t number, const ReadyModel& model);

    const TextJobPtr& job() const { return job_; }
    std::size_t number() const { return number_; }
    /// What the engine is asked for: to go on with a text, which is the prompt and what was written
    /// of this answer so far.
    infer::SequenceRequest sequence(text::Tokens text, model::KvType kv) const;
    /// Catches up with what another Answer to the same wrote, without telling anybody.
    void replay(std::span<const std::uint32_t> written);
    /// Takes a sampled token; false when no more are wanted.
    bool take(const infer::GeneratedStep& step, std::uint64_t now_us);
    /// `facts` as AnswerDone has them.
    void end(infer::StopReason reason, std::string facts = {});

  private:
    TokenView view(std::uint32_t token, float logprob) const;
    /// The text that may be shown after this token.
    std::string decode(std::uint32_t token);

    TextJobPtr job_;
    std::size_t number_;
    const ReadyModel& model_;
    text::StreamDecoder decoder_;
    infer::StopStrings stops_;
    std::uint32_t previous_;
    std::size_t characters_ = 0;  ///< written so far, shown or held back
};

}  // namespace cairn::host
