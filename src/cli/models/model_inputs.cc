#include "cli/models/model_inputs.h"

#include "base/files.h"

namespace cairn::cli {

std::vector<NamedPath> model_inputs(const std::string& model, const std::string& tokenizer) {
    std::vector<NamedPath> inputs{{"--model", model}, {"--tokenizer", tokenizer}};
    const bool folder = is_folder(model);
    if (!folder && !model.ends_with(".safetensors")) return inputs;
    const std::string root = folder ? model : folder_of(model);
    if (const auto names = list_folder(root); names.ok())
        for (const std::string& name : *names) inputs.push_back({"--model", root + "/" + name});
    return inputs;
}

Status attach_tokenizer(const std::string& model, const std::string& tokenizer,
                        formats::LoadedModel& loaded) {
    const auto found = formats::find_tokenizer(loaded, model, tokenizer);
    if (found.ok())
        loaded.model.tokenizer = (*found)->serialise();
    else if (!tokenizer.empty())
        return found.error();
    return ok_status();
}

}  // namespace cairn::cli
