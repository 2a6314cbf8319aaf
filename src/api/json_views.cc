#include "api/json_views.h"

#include <concepts>
#include <limits>
#include <nlohmann/json.hpp>
#include <type_traits>

#include "api/view_fields.h"
#include "store/int128_text.h"

namespace cairn::api {

namespace {

using Json = nlohmann::ordered_json;
using ReadJson = nlohmann::json;

// Text that a model wrote may be cut inside a character: such bytes are replaced, where dump()
// would otherwise throw.
std::string dump(const Json& json) {
    return json.dump(-1, ' ', false, Json::error_handler_t::replace);
}

/// Makes a JSON object of the fields that it is called with.
class JsonWriter {
  public:
    template <typename T>
    void operator()(const char* name, const T& value) {
        object_[name] = json_of(value);
    }
    void hash_or_null(const char* name, const Hash256& value) {
        object_[name] = value.is_zero() ? Json(nullptr) : json_of(value);
    }
    template <typename T>
    void only_if(bool known, const char* name, const T& value) {
        object_[name] = known ? json_of(value) : Json(nullptr);
    }
    template <typename Fill>
    void object(const char* name, Fill fill) {
        JsonWriter inner;
        fill(inner);
        object_[name] = inner.take();
    }
    /// What follows from other fields: for people, not read back.
    template <typename Make>
    void made(const char* name, Make make) {
        object_[name] = make();
    }
    Json take() { return std::move(object_); }

    template <typename T>
    static Json json_of(const T& value) {
        if constexpr (std::same_as<T, Int128>) {
            return store::to_decimal(value);
        } else if constexpr (std::same_as<T, Hash256> || std::same_as<T, FixedBytes<64>> ||
                             std::same_as<T, Bytes>) {
            return to_hex(value);
        } else if constexpr (std::same_as<T, std::optional<double>> ||
                             std::same_as<T, std::optional<std::uint64_t>>) {
            return value ? Json(*value) : Json(nullptr);
        } else if constexpr (std::same_as<T, std::optional<node::ServingView>> ||
                             std::same_as<T, std::optional<node::VerifyingView>> ||
                             std::same_as<T, std::optional<node::StandingView>>) {
            return value ? json_of(*value) : Json(nullptr);
        } else if constexpr (std::is_arithmetic_v<T> || std::same_as<T, std::string>) {
            return value;
        } else {
            JsonWriter inner;
            fields(inner, value);
            return inner.take();
        }
    }
    template <typename T>
    requires(!std::same_as<std::vector<T>, Bytes>) static Json
        json_of(const std::vector<T>& values) {
        Json list = Json::array();
        for (const T& value : values) list.push_back(json_of(value));
        return list;
    }

  private:
    Json object_ = Json::object();
};

/// Fills the fields that it is called with from a JSON object.
class JsonReader {
  public:
    explicit JsonReader(const ReadJson& object) : object_(object) {}
    /// Whether every field was there, with its type.
    bool good() const { return good_; }

    template <typename T>
    void operator()(const char* name, T& value) {
        const ReadJson* found = find(name);
        good_ = found != nullptr && read(*found, value) && good_;
    }
    void hash_or_null(const char* name, Hash256& value) {
        const ReadJson* found = find(name);
        good_ = found != nullptr && (found->is_null() || read(*found, value)) && good_;
    }
    template <typename T>
    void only_if(bool known, const char* name, T& value) {
        if (known) return (*this)(name, value);
        const ReadJson* found = find(name);
        good_ = found != nullptr && found->is_null() && good_;
    }
    template <typename Fill>
    void object(const char* name, Fill fill) {
        const ReadJson* found = find(name);
        if (found == nullptr) {
            good_ = false;
            return;
        }
        JsonReader inner(*found);
        fill(inner);
        good_ = inner.good() && good_;
    }
    template <typename Make>
    void made(const char*, Make) const {}

  private:
    const ReadJson* find(const char* name) const {
        if (!object_.is_object()) return nullptr;
        const auto found = object_.find(name);
        return found == object_.end() ? nullptr : &*found;
    }

    static bool read(const ReadJson& json, Int128& value) {
        const auto number =
            store::int128_from_decimal(json.is_string() ? json.get<std::string>() : "");
        if (number.ok()) value = *number;
        return number.ok();
    }
    static bool read(const ReadJson& json, Hash256& value) {
        const auto hash = fixed_from_hex<32>(json.is_string() ? json.get<std::string>() : "");
        if (hash.ok()) value = *hash;
        return hash.ok();
    }
    static bool read(const ReadJson& json, FixedBytes<64>& value) {
        const auto bytes = fixed_from_hex<64>(json.is_string() ? json.get<std::string>() : "");
        if (bytes.ok()) value = *bytes;
        return bytes.ok();
    }
    static bool read(const ReadJson& json, std::optional<std::uint64_t>& value) {
        if (json.is_number_unsigned()) value = json.get<std::uint64_t>();
        return json.is_number_unsigned() || json.is_null();
    }
    static bool read(const ReadJson& json, Bytes& value) {
        if (!json.is_string()) return false;
        auto bytes = from_hex(json.get<std::string>());
        if (bytes.ok()) value = *std::move(bytes);
        return bytes.ok();
    }
    static bool read(const ReadJson& json, std::optional<double>& value) {
        if (json.is_number()) value = json.get<double>();
        return json.is_number() || json.is_null();
    }
    template <typename View>
    static bool read_optional(const ReadJson& json, std::optional<View>& value) {
        return json.is_null() || read(json, value.emplace());
    }
    static bool read(const ReadJson& json, std::optional<node::ServingView>& value) {
        return read_optional(json, value);
    }
    static bool read(const ReadJson& json, std::optional<node::VerifyingView>& value) {
        return read_optional(json, value);
    }
    static bool read(const ReadJson& json, std::optional<node::StandingView>& value) {
        return read_optional(json, value);
    }
    static bool read(const ReadJson& json, double& value) {
        value = json.is_number() ? json.get<double>() : std::numeric_limits<double>::quiet_NaN();
        return json.is_number() || json.is_null();
    }
    static bool read(const ReadJson& json, bool& value) {
        if (json.is_boolean()) value = json.get<bool>();
        return json.is_boolean();
    }
    static bool read(const ReadJson& json, std::string& value) {
        if (json.is_string()) value = json.get<std::string>();
        return json.is_string();
    }
    template <std::unsigned_integral T>
    static bool read(const ReadJson& json, T& value) {
        if (!json.is_number_unsigned() || json.get<std::uint64_t>() > std::numeric_limits<T>::max())
            return false;
        value = json.get<T>();
        return true;
    }
    template <typename T>
    static bool read(const ReadJson& json, std::vector<T>& values) {
        if (!json.is_array()) return false;
        for (const ReadJson& element : json)
            if (!read(element, values.emplace_back())) return false;
        return true;
    }
    template <typename T>
    static bool read(const ReadJson& json, T& value) {
        JsonReader inner(json);
        fields(inner, value);
        return inner.good();
    }

    const ReadJson& object_;
    bool good_ = true;
};

template <typename T>
std::string list_json(const char* name, const std::vector<T>& values) {
    JsonWriter writer;
    writer(name, values);
    return dump(writer.take());
}

template <typename T>
std::optional<T> read_named(const std::string& text, const std::string& name) {
    const ReadJson json = ReadJson::parse(text, nullptr, false);
    T value;
    JsonReader reader(json);
    reader(name.c_str(), value);
    if (!reader.good()) return std::nullopt;
    return value;
}

}  // namespace

std::string status_json(const node::NodeStatus& status) {
    return dump(JsonWriter::json_of(status));
}

std::optional<node::NodeStatus> read_status(const std::string& json) {
    const ReadJson parsed = ReadJson::parse(json, nullptr, false);
    node::NodeStatus status;
    JsonReader reader(parsed);
    fields(reader, status);
    if (!reader.good()) return std::nullopt;
    return status;
}

std::string blocks_json(const std::vector<node::MergeView>& merges) {
    return list_json("blocks", merges);
}

std::optional<std::vector<node::MergeView>> read_blocks(const std::string& json) {
    return read_named<std::vector<node::MergeView>>(json, "blocks");
}

std::string pooled_json(const node::PooledView& pooled) {
    return dump(JsonWriter::json_of(pooled));
}

std::optional<node::PooledView> read_pooled(const std::string& json) {
    const ReadJson parsed = ReadJson::parse(json, nullptr, false);
    node::PooledView pooled;
    JsonReader reader(parsed);
    fields(reader, pooled);
    if (!reader.good()) return std::nullopt;
    return pooled;
}

std::string coins_json(const std::vector<node::CoinView>& coins) {
    return list_json("coins", coins);
}

std::optional<std::vector<node::CoinView>> read_coins(const std::string& json) {
    return read_named<std::vector<node::CoinView>>(json, "coins");
}

std::string servers_json(const std::vector<node::ServerView>& servers) {
    return list_json("servers", servers);
}

std::optional<std::vector<node::ServerView>> read_servers(const std::string& json) {
    return read_named<std::vector<node::ServerView>>(json, "servers");
}

std::string field_json(const std::string& name, const std::string& value) {
    return dump(Json{{name, value}});
}

std::optional<std::string> read_field(const std::string& json, const std::string& name) {
    return read_named<std::string>(json, name);
}

std::string records_json(const std::vector<store::ContributionRecord>& records) {
    return list_json("records", records);
}

std::string samples_json(const std::vector<std::pair<std::uint64_t, std::string>>& samples) {
    Json list = Json::array();
    for (const auto& [height, text] : samples) list.push_back({{"height", height}, {"text", text}});
    return dump({{"samples", std::move(list)}});
}

}  // namespace cairn::api
