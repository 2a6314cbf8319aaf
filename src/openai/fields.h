// Fields: reads the fields of one JSON object, each as the type that it must have, and remembers
// the first thing that is wrong. What nobody asked for in the end is unknown, and refused: a field
// that means something and is passed over in silence would give an answer to another question.
// A field that is null is one that is not there.
#pragma once

#include <cstdint>
#include <initializer_list>
#include <optional>
#include <set>
#include <string>

#include <nlohmann/json_fwd.hpp>

#include "openai/api_error.h"

namespace cairn::openai {

class Fields {
  public:
    /// `path`: what stands before the names in errors, such as "messages[0]."; empty at the top.
    /// Both must outlive it.
    Fields(const nlohmann::json& object, std::string path, std::optional<ApiError>& problem);

    /// Nothing if it is not there, or wrong; the problem then says so.
    std::optional<std::string> text(const std::string& name);
    std::optional<bool> truth(const std::string& name);
    std::optional<std::int64_t> whole(const std::string& name, std::int64_t least,
                                      std::int64_t most);
    std::optional<double> number(const std::string& name, double least, double most);
    /// Of any type; null if it is not there.
    const nlohmann::json* any(const std::string& name);
    /// The same, and a problem if it is there and no list, or object.
    const nlohmann::json* list(const std::string& name);
    const nlohmann::json* object(const std::string& name);

    /// Fields that decide nothing here.
    void pass_over(std::initializer_list<const char*> names);
    /// A problem if it is there and says more than false, "", [], {} or `harmless`.
    void refuse(const std::string& name, const std::string& why,
                std::initializer_list<const char*> harmless = {});
    /// A problem for each field that nothing above has named.
    void refuse_unknown();

    void fail(const std::string& name, const std::string& message);
    /// The name as errors have it.
    std::string full_name(const std::string& name) const { return path_ + name; }
    std::optional<ApiError>& problem() { return problem_; }

  private:
    const nlohmann::json& object_;
    std::string path_;
    std::optional<ApiError>& problem_;
    std::set<std::string> known_;
};

}  // namespace cairn::openai
