#include "text/json_post_processor.h"

#include <nlohmann/json.hpp>

#include "text/json_vocabulary.h"

namespace cairn::text {

using nlohmann::json;

namespace {

using Id = std::optional<std::uint32_t>;

Error unknown_step(const json& step) {
    return unsupported_json("what its post_processor adds to a text is not known here: " +
                            shown(step));
}

Result<Id> known_id(const json& id, const json& step, const VocabularyParts& parts) {
    if (!id.is_number_unsigned() || id.get<std::uint64_t>() >= parts.pieces.size())
        return unknown_step(step);
    return Id(id.get<std::uint32_t>());
}

// The library adds the numbers that the step itself lists under the name, whatever token has that
// name in the vocabulary.
Result<Id> template_id(const std::string& name, const json& step, const VocabularyParts& parts) {
    const json& token = member(member(step, "special_tokens"), name.c_str());
    if (token.is_null()) {
        const Id id = id_of(parts, name);
        return id ? Result<Id>(id) : Result<Id>(unknown_step(step));
    }
    const json& ids = member(token, "ids");
    if (!ids.is_array() || ids.size() != 1) return unknown_step(step);
    return known_id(ids[0], step, parts);
}

Status read_template(const json& step, VocabularyParts& parts) {
    const json& single = member(step, "single");
    if (!single.is_array()) return unknown_step(step);
    bool text = false;
    Id begin, end;
    for (const json& item : single) {
        const std::string name = text_of(member(item, "SpecialToken"), "id");
        if (name.empty()) {
            if (text || text_of(member(item, "Sequence"), "id") != "A") return unknown_step(step);
            text = true;
            continue;
        }
        Id& place = text ? end : begin;
        if (place) return unknown_step(step);
        ASSIGN_OR_RETURN(place, template_id(name, step, parts));
    }
    if (!text) return unknown_step(step);
    parts.add_bos = begin.has_value();
    parts.add_eos = end.has_value();
    if (begin) parts.bos = begin;
    if (end) parts.eos = end;
    return ok_status();
}

// ["[SEP]", 102]
Result<Id> pair_id(const json& step, const char* key, const VocabularyParts& parts) {
    const json& pair = member(step, key);
    if (!pair.is_array() || pair.size() != 2) return unknown_step(step);
    return known_id(pair[1], step, parts);
}

json special_token(const std::string& name) {
    return {{"SpecialToken", {{"id", name}, {"type_id", 0}}}};
}

}  // namespace

Status read_post_processor(const json& root, VocabularyParts& parts) {
    parts.add_bos = parts.add_eos = false;
    const json& whole = member(root, "post_processor");
    if (!whole.is_null() && !whole.is_object()) return unknown_step(whole);
    bool adds = false;
    for (const json& step : steps_of(whole, "processors")) {
        const std::string type = step.is_object() ? text_of(step, "type") : "";
        if (type == "ByteLevel") continue;  // it moves offsets, no tokens
        if (adds) return unknown_step(whole);
        adds = true;
        if (type == "TemplateProcessing") {
            RETURN_IF_ERROR(read_template(step, parts));
        } else if (type == "BertProcessing" || type == "RobertaProcessing") {
            ASSIGN_OR_RETURN(parts.bos, pair_id(step, "cls", parts));
            ASSIGN_OR_RETURN(parts.eos, pair_id(step, "sep", parts));
            parts.add_bos = parts.add_eos = true;
        } else {
            return unknown_step(step);
        }
    }
    return ok_status();
}

json template_processing(const VocabularyParts& parts) {
    json single = json::array();
    json tokens = json::object();
    const auto add = [&](std::uint32_t id) {
        const std::string& name = parts.pieces[id];
        single.push_back(special_token(name));
        tokens[name] = {{"id", name}, {"ids", {id}}, {"tokens", {name}}};
    };
    if (parts.add_bos.value_or(false) && parts.bos) add(*parts.bos);
    single.push_back({{"Sequence", {{"id", "A"}, {"type_id", 0}}}});
    if (parts.add_eos.value_or(false) && parts.eos) add(*parts.eos);
    if (tokens.empty()) return nullptr;
    json pair = single;
    pair.push_back({{"Sequence", {{"id", "B"}, {"type_id", 1}}}});
    return {{"type", "TemplateProcessing"},
            {"single", single},
            {"pair", pair},
            {"special_tokens", tokens}};
}

}  // namespace cairn::text
