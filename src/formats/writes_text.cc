#include "formats/writes_text.h"

#include "base/files.h"
#include "base/foreign_file.h"
#include "formats/gguf_model.h"
#include "formats/hf_config.h"
#include "formats/mapped_source.h"

namespace cairn::formats {

namespace {

constexpr std::size_t kMaxConfigBytes = std::size_t{1} << 20;

Result<model::ModelConfig> config_of(const std::string& path) {
    if (is_folder(path)) {
        ASSIGN_OR_RETURN(const Bytes json,
                         read_checked_file(path + "/config.json", kMaxConfigBytes));
        ASSIGN_OR_RETURN(const HfConfig found, parse_hf_config(as_text(json)));
        if (found.encoder) return invalid("an encoder-decoder");
        return found.config;
    }
    ASSIGN_OR_RETURN(const SharedSource source, open_source(path));
    ASSIGN_OR_RETURN(const GgufHeader header, read_gguf_header(source));
    return gguf_config(header);
}

}  // namespace

std::optional<bool> writes_text(const std::string& path) {
    const auto config = config_of(path);
    if (!config.ok()) return std::nullopt;
    return config->has_head();
}

}  // namespace cairn::formats
