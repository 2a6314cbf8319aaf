// network.json: the form of a network definition that people read and edit.
#include <algorithm>
#include <nlohmann/json.hpp>
#include <set>

#include "base/json_keys.h"
#include "chain/codec_kinds.h"
#include "chain/network_bytes.h"

namespace cairn::chain {
namespace {

using Json = nlohmann::ordered_json;

// Far more than a definition has. An object's keys are looked through for each new one.
constexpr std::size_t kMaxParts = 8192;
constexpr std::size_t kMaxDepth = 8;

class WriteJson {
  public:
    void begin(const char* name) { target_ = &(root_[name] = Json::object()); }
    void end() { target_ = &root_; }
    void number(const char* name, std::uint64_t value, std::uint64_t, std::uint64_t) {
        (*target_)[name] = value;
    }
    void flag(const char* name, bool value) { (*target_)[name] = value; }
    void text(const char* name, const std::string& value) { (*target_)[name] = value; }
    void hash(const char* name, const Hash256& value) { (*target_)[name] = to_hex(value); }
    void codec_kind(const char* name, CodecKind value) {
        (*target_)[name] = kCodecNames[static_cast<std::size_t>(value)];
    }
    void work(const char* name, WorkFunction value) { (*target_)[name] = name_of(value); }
    void optimiser(const char* name, Optimiser value) { (*target_)[name] = name_of(value); }
    void upgrades(const char* name, const std::vector<Upgrade>& list) {
        Json array = Json::array();
        for (const Upgrade& upgrade : list) array.push_back(to_json(upgrade));
        (*target_)[name] = array;
    }
    void members(const char* name, const std::vector<crypto::PublicKey>& list) {
        Json array = Json::array();
        for (const crypto::PublicKey& key : list) array.push_back(to_hex(key));
        (*target_)[name] = array;
    }
    void sources(const char* name, const std::vector<TextSource>& list) {
        Json array = Json::array();
        for (const TextSource& source : list)
            array.push_back({{"name", source.name},
                             {"judge_tokens", source.judge_tokens},
                             {"report_tokens", source.report_tokens}});
        (*target_)[name] = array;
    }
    template <typename N, typename Fields>
    void extension(std::uint16_t, const N& network, const Fields& visit) {
        if (fields::extension_bytes(network, visit)) visit(network, *this);
    }
    std::string dump() const { return root_.dump(2) + "\n"; }

  private:
    static Json to_json(const Upgrade& upgrade) {
        Json json = {{"height", upgrade.height}};
        if (upgrade.numerics_version != 0) json["numerics_version"] = upgrade.numerics_version;
        if (upgrade.rules_version != 0) json["rules_version"] = upgrade.rules_version;
        return json;
    }

    Json root_ = Json::object();
    Json* target_ = &root_;
};

/// Reads the fields that are there and remembers the names asked for, so that others are refused.
class ReadJson {
  public:
    explicit ReadJson(const Json& root) : root_(root), source_(&root) { enter(); }

    void begin(const char* name) {
        static const Json empty = Json::object();
        const Json* group = find(name);
        saved_known_ = std::move(known_);
        group_ = std::string(name) + ".";
        if (group != nullptr && !group->is_object()) fail(name, "must be an object");
        source_ = group != nullptr && group->is_object() ? group : &empty;
        enter();
    }
    void end() {
        refuse_unknown();
        source_ = &root_;
        group_.clear();
        known_ = std::move(saved_known_);
    }
    template <typename Number>
    void number(const char* name, Number& value, std::uint64_t min, std::uint64_t max) {
        const Json* field = find(name);
        if (field == nullptr) return;
        const bool good = field->is_number_unsigned() && field->get<std::uint64_t>() >= min &&
                          field->get<std::uint64_t>() <= max;
        if (!good)
            return fail(name, "must be a whole number from " + std::to_string(min) + " to " +
                                  std::to_string(max));
        value = static_cast<Number>(field->get<std::uint64_t>());
    }
    void flag(const char* name, bool& value) {
        const Json* field = find(name);
        if (field == nullptr) return;
        if (!field->is_boolean()) return fail(name, "must be true or false");
        value = field->get<bool>();
    }
    void text(const char* name, std::string& value) {
        const Json* field = find(name);
        if (field == nullptr) return;
        if (!field->is_string()) return fail(name, "must be text");
        value = field->get<std::string>();
    }
    void hash(const char* name, Hash256& value) {
        const Json* field = find(name);
        if (field != nullptr) value = fixed(name, *field);
    }
    void codec_kind(const char* name, CodecKind& value) {
        const Json* field = find(name);
        if (field == nullptr) return;
        for (std::size_t i = 0; i < std::size(kCodecNames); ++i) {
            if (*field == kCodecNames[i]) {
                value = static_cast<CodecKind>(i);
                return;
            }
        }
        std::string names;
        for (const char* known : kCodecNames)
            names += std::string(names.empty() ? "" : ", ") + known;
        fail(name, "must be one of the codecs that this program knows: " + names);
    }
    void work(const char* name, WorkFunction& value) {
        const Json* field = find(name);
        if (field == nullptr) return;
        for (std::size_t i = 0; i < std::size(kWorkNames); ++i) {
            if (*field == kWorkNames[i]) {
                value = static_cast<WorkFunction>(i);
                return;
            }
        }
        fail(name, "must be \"sha256d\" or \"argon2id\", the work that this program knows");
    }
    void optimiser(const char* name, Optimiser& value) {
        const Json* field = find(name);
        if (field == nullptr) return;
        for (std::size_t i = 0; i < std::size(kOptimiserNames); ++i) {
            if (*field == kOptimiserNames[i]) {
                value = static_cast<Optimiser>(i);
                return;
            }
        }
        fail(name, "must be \"adamw\" or \"sgd\", the optimisers that this program knows");
    }
    void upgrades(const char* name, std::vector<Upgrade>& list) {
        const Json* field = array(name);
        if (field == nullptr) return;
        list.clear();
        for (const Json& entry : *field) {
            Upgrade upgrade;
            const bool good = entry.is_object() && read_number(entry, "height", upgrade.height) &&
                              (!entry.contains("numerics_version") ||
                               read_number(entry, "numerics_version", upgrade.numerics_version)) &&
                              (!entry.contains("rules_version") ||
                               read_number(entry, "rules_version", upgrade.rules_version)) &&
                              entry.size() == 1U + entry.contains("numerics_version") +
                                                  entry.contains("rules_version");
            if (!good)
                return fail(name,
                            "must hold objects {height, numerics_version, rules_version}; a "
                            "version that stays as it is may be left out");
            list.push_back(upgrade);
        }
    }
    void members(const char* name, std::vector<crypto::PublicKey>& list) {
        const Json* field = array(name);
        if (field == nullptr) return;
        list.clear();
        for (const Json& entry : *field) list.push_back(fixed(name, entry));
    }
    void sources(const char* name, std::vector<TextSource>& list) {
        const Json* field = array(name);
        if (field == nullptr) return;
        list.clear();
        for (const Json& entry : *field) {
            TextSource source;
            const bool good = entry.is_object() && entry.size() == 3 && entry.contains("name") &&
                              entry["name"].is_string() &&
                              read_number(entry, "judge_tokens", source.judge_tokens, 0) &&
                              read_number(entry, "report_tokens", source.report_tokens, 0);
            if (!good) return fail(name, "must hold objects {name, judge_tokens, report_tokens}");
            source.name = entry["name"].get<std::string>();
            list.push_back(std::move(source));
        }
    }
    template <typename N, typename Fields>
    void extension(std::uint16_t, N& network, const Fields& visit) {
        visit(network, *this);
    }
    void refuse_unknown() {
        for (const auto& [name, value] : source_->items()) {
            if (!known_.contains(name))
                fail(name,
                     "is not a field that this program knows; mend its spelling, or update Cairn");
        }
    }
    const std::string& message() const { return message_; }

  private:
    /// A number from `least` on that fits.
    template <typename Number>
    static bool read_number(const Json& object, const char* name, Number& value,
                            std::uint64_t least = 1) {
        const auto found = object.find(name);
        if (found == object.end() || !found->is_number_unsigned()) return false;
        const auto number = found->get<std::uint64_t>();
        value = static_cast<Number>(number);
        return number >= least && value == number;
    }
    void enter() { known_.clear(); }
    const Json* find(const char* name) {
        known_.insert(name);
        const auto found = source_->find(name);
        return found == source_->end() ? nullptr : &*found;
    }
    const Json* array(const char* name) {
        const Json* field = find(name);
        if (field != nullptr && !field->is_array()) {
            fail(name, "must be a list");
            return nullptr;
        }
        return field;
    }
    Hash256 fixed(const char* name, const Json& field) {
        const Result<Hash256> value = field.is_string()
                                          ? fixed_from_hex<32>(field.get<std::string>())
                                          : Result<Hash256>(invalid(""));
        if (value.ok()) return *value;
        fail(name, "must be 64 hexadecimal digits");
        return {};
    }
    void fail(const std::string& name, const std::string& what) {
        if (message_.empty()) message_ = group_ + name + " " + what;
    }

    const Json& root_;
    const Json* source_;
    std::set<std::string> known_;
    std::set<std::string> saved_known_;
    std::string group_;
    std::string message_;
};

/// `byte` counts from 1; 0 where the parser cannot tell.
Error not_json(std::string_view json, std::size_t byte) {
    if (byte == 0) return invalid("not JSON; get the file again from whoever made the network");
    const std::string_view before = json.substr(0, byte - 1);
    const auto line = 1 + std::count(before.begin(), before.end(), '\n');
    const std::size_t start = before.rfind('\n') + 1;  // npos + 1 is 0
    return invalid("not JSON from line " + std::to_string(line) + ", column " +
                   std::to_string(before.size() - start + 1) +
                   "; mend it there, or get the file again from whoever made the network");
}

/// Refuses a key that stands twice. The parser would keep the last one, other programs may keep the
/// first; a definition must not be readable in two ways.
Result<Json> parse_strict(std::string_view json) {
    const JsonKeys keys = json_keys(json, kMaxParts);
    try {
        if (keys.too_many) return invalid("has too many lists, objects and names in them");
        Json root = Json::parse(json);  // and says what is no JSON
        if (keys.depth > kMaxDepth) return invalid("nests its lists and objects too deep");
        if (keys.repeated) return invalid(*keys.repeated + " is there twice");
        if (!root.is_object()) return invalid("must be an object");
        return root;
    } catch (const Json::parse_error& problem) {
        return not_json(json, problem.byte);
    } catch (const std::exception&) {
        return not_json(json, 0);
    }
}

}  // namespace

std::string to_json(const NetworkDefinition& network) {
    WriteJson visitor;
    fields::visit_network(network, visitor);
    fields::visit_extensions(network, visitor);
    return visitor.dump();
}

Result<NetworkDefinition> network_from_json(std::string_view json) {
    if (json.size() > kMaxNetworkJsonBytes) return invalid("too long to be a network.json");
    ASSIGN_OR_RETURN(const Json root, parse_strict(json));
    NetworkDefinition network;
    ReadJson visitor(root);
    fields::visit_network(network, visitor);
    fields::visit_extensions(network, visitor);
    visitor.refuse_unknown();
    if (!visitor.message().empty()) return invalid(visitor.message());
    RETURN_IF_ERROR(validate(network));
    return network;
}

}  // namespace cairn::chain
