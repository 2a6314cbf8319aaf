#include "base/json_keys.h"

#include <algorithm>
#include <set>
#include <vector>

#include <nlohmann/json.hpp>

namespace cairn {

namespace {

class Passing final : public nlohmann::json_sax<nlohmann::json> {
  public:
    explicit Passing(std::size_t most_parts) : most_parts_(most_parts) {}

    JsonKeys found{};

    bool null() override { return see(); }
    bool boolean(bool) override { return see(); }
    bool number_integer(number_integer_t) override { return see(); }
    bool number_unsigned(number_unsigned_t) override { return see(); }
    bool number_float(number_float_t, const string_t&) override { return see(); }
    bool string(string_t&) override { return see(); }
    bool binary(binary_t&) override { return see(); }
    bool start_object(std::size_t) override { return open(); }
    bool end_object() override { return close(); }
    bool start_array(std::size_t) override { return open(); }
    bool end_array() override { return close(); }
    bool key(string_t& name) override {
        if (!open_.back().insert(name).second && !found.repeated) found.repeated = name;
        return count();
    }
    bool parse_error(std::size_t, const std::string&, const nlohmann::json::exception&) override {
        return false;
    }

  private:
    bool see() {
        found.depth = std::max(found.depth, open_.size());
        return true;
    }
    bool count() {
        found.too_many = ++parts_ > most_parts_;
        return !found.too_many;
    }
    bool open() {
        (void)see();
        open_.emplace_back();
        return count();
    }
    bool close() {
        open_.pop_back();
        return true;
    }

    std::size_t most_parts_;
    std::size_t parts_ = 0;
    std::vector<std::set<std::string>> open_;  // keys of the objects and lists around the place
};

}  // namespace

JsonKeys json_keys(std::string_view text, std::size_t most_parts) {
    Passing passing(most_parts);
    (void)nlohmann::json::sax_parse(text, &passing);
    return std::move(passing.found);
}

}  // namespace cairn
