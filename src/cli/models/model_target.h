// Where a command writes a model to, and as what: shared by `cairn model convert` and `cairn model
// export`.
#pragma once

#include <cstdint>
#include <iosfwd>
#include <map>
#include <nlohmann/json_fwd.hpp>
#include <string>
#include <vector>

#include "base/outputs.h"
#include "base/result.h"
#include "formats/save.h"

namespace cairn::cli {

class Command;

struct ModelTarget {
    std::string out;
    std::string format;      ///< cairn, gguf, hf; empty: by the name of `out`
    std::string type;        ///< of matrices; empty: as they are
    std::string shard_size;  ///< hf: "2GB", "500MB"; empty: one file
    bool force = false;      ///< replace what is there
};

/// The user's words, read.
struct PreparedTarget {
    formats::ModelFormat format{};
    formats::WriteOptions options;
};

struct WrittenModel {
    std::uint64_t bytes = 0;
    /// Matrices whose rows the wanted type cannot hold, by the length of the rows: written as f16.
    std::map<std::uint64_t, std::vector<std::string>> narrow;
};

void add_target_options(const Command& command, ModelTarget& target);
/// kMisused where the words make no sense. Looks at no file.
Result<PreparedTarget> prepare_target(const ModelTarget& target);
/// Whether the target can be written and is none of `inputs`: asked before the model is read. A
/// folder may not be one of `read` (files or folders that the command reads), nor theirs.
Status check_target(const ModelTarget& target, formats::ModelFormat format,
                    const std::vector<std::string>& read, const std::vector<NamedPath>& inputs);
/// "40MB" as bytes; 0 if empty. kMisused with the option's name.
Result<std::uint64_t> parse_size(const std::string& option, const std::string& text);
/// Writes, with a progress bar.
Result<WrittenModel> write_model(const model::Model& model, const ModelTarget& target,
                                 PreparedTarget prepared);
/// [{name, cols, type}].
nlohmann::json fallbacks_json(const WrittenModel& written);
/// A line for each length of rows.
void print_fallbacks(const WrittenModel& written, const ModelTarget& target, std::ostream& out);

}  // namespace cairn::cli
