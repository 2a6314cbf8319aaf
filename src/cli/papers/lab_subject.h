// The model that a result of `cairn lab` is about, and the text that it is measured on: what
// --model and --text name, or a small model that is trained first.
#pragma once

#include <string>
#include <vector>

#include "base/result.h"
#include "cli/commands.h"
#include "model/weights.h"
#include "tensor/compute.h"

namespace cairn::cli {

class Command;

struct SubjectRequest {
    std::string model, tokenizer, text, calibrate;
};

/// A model with a text that it is measured on, and one that it may be calibrated with.
struct Subject {
    std::string name;
    model::Model model;
    std::vector<std::uint32_t> text, calibrate;
    std::uint32_t context = 0;
};

/// Whether a result measures the model on a text.
enum class SubjectText { kNone, kMeasured };

/// --model, --tokenizer, and --text where the result needs one.
void add_subject_options(const Command& command, SubjectRequest& request, SubjectText text);

/// kUnsupported for a model whose matrices are factors. A text is cut at 16,384 tokens.
Result<Subject> lab_subject(const SubjectRequest& request, const tensor::Compute& compute,
                            SubjectText text);

}  // namespace cairn::cli
