#include "cli/options.h"

#include <optional>
#include <utility>

#include <CLI/CLI.hpp>

namespace cairn::cli {

namespace {

Check checked(CLI::Validator validator) {
    return Check(std::make_shared<const CLI::Validator>(std::move(validator)));
}

}  // namespace

Check::Check(const Wrong& wrong, const std::string& shown)
    : validator_(std::make_shared<const CLI::Validator>(
          [wrong](std::string& text) { return wrong(text); }, shown)) {}

Check::Check(std::shared_ptr<const CLI::Validator> validator) : validator_(std::move(validator)) {}

Check Check::unshown() const { return checked(validator_->description("")); }

Check signed_range(std::int64_t least, std::int64_t most) {
    return checked(CLI::Range(least, most));
}

Check unsigned_range(std::uint64_t least, std::uint64_t most) {
    return checked(CLI::Range(least, most));
}

Check real_range(double least, double most) { return checked(CLI::Range(least, most)); }

Check one_of(std::initializer_list<const char*> words) {
    return one_of(std::vector<std::string>(words.begin(), words.end()));
}

Check one_of(const std::vector<std::string>& words) { return checked(CLI::IsMember(words)); }

Check one_of(std::initializer_list<int> numbers) { return checked(CLI::IsMember(numbers)); }

Check existing_file() { return checked(CLI::ExistingFile); }

Check existing_path() { return checked(CLI::ExistingPath); }

Option Option::check(const Check& check) const { return Option(option_->check(check.validator())); }

Option Option::capture_default_str() const { return Option(option_->capture_default_str()); }

Option Option::default_str(const std::string& text) const {
    return Option(option_->default_str(text));
}

Option Option::required() const { return Option(option_->required()); }

Option Option::excludes(Option other) const { return Option(option_->excludes(other.option_)); }

Option Option::excludes(const std::string& name) const { return Option(option_->excludes(name)); }

Option Option::needs(Option other) const { return Option(option_->needs(other.option_)); }

Option Option::one_value_each() const { return Option(option_->allow_extra_args(false)); }

Option Option::delimiter(char between) const { return Option(option_->delimiter(between)); }

std::size_t Option::count() const { return option_->count(); }

std::string Option::get_name() const { return option_->get_name(); }

template <typename T>
Option Command::add_option(const std::string& names, T& value, const std::string& text) const {
    return Option(app_->add_option(names, value, text));
}

Option Command::add_option_function(const std::string& names,
                                    const std::function<void(const std::string& value)>& take,
                                    const std::string& text) const {
    return Option(app_->add_option_function<std::string>(names, take, text));
}

Option Command::add_flag(const std::string& names, bool& given, const std::string& text) const {
    return Option(app_->add_flag(names, given, text));
}

Command Command::add_option_group(const std::string& name, const std::string& text) const {
    return Command(*app_->add_option_group(name, text));
}

void Command::require_option(std::size_t least, std::size_t most) const {
    app_->require_option(least, most);
}

Command Command::add_subcommand(const std::string& name, const std::string& text) const {
    return Command(*app_->add_subcommand(name, text));
}

void Command::require_subcommand() const { app_->require_subcommand(1); }

void Command::footer(const std::string& text) const { app_->footer(text); }

void Command::callback(const std::function<void()>& done) const { app_->callback(done); }

void Command::parse_complete_callback(const std::function<void()>& done) const {
    app_->parse_complete_callback(done);
}

Option Command::get_option(const std::string& name) const { return Option(app_->get_option(name)); }

std::vector<Option> Command::get_options() const {
    std::vector<Option> options;
    for (CLI::Option* option : app_->get_options()) options.emplace_back(option);
    return options;
}

std::size_t Command::count(const std::string& name) const { return app_->count(name); }

// The types of values.
using Text = const std::string&;
template Option Command::add_option(Text, std::string&, Text) const;
template Option Command::add_option(Text, int&, Text) const;
template Option Command::add_option(Text, std::uint16_t&, Text) const;
template Option Command::add_option(Text, std::uint32_t&, Text) const;
template Option Command::add_option(Text, std::uint64_t&, Text) const;
template Option Command::add_option(Text, float&, Text) const;
template Option Command::add_option(Text, double&, Text) const;
template Option Command::add_option(Text, std::optional<std::string>&, Text) const;
template Option Command::add_option(Text, std::optional<std::uint32_t>&, Text) const;
template Option Command::add_option(Text, std::optional<std::uint64_t>&, Text) const;
template Option Command::add_option(Text, std::optional<double>&, Text) const;
template Option Command::add_option(Text, std::vector<std::string>&, Text) const;
template Option Command::add_option(Text, std::vector<std::uint32_t>&, Text) const;
template Option Command::add_option(Text, std::vector<std::uint64_t>&, Text) const;
template Option Command::add_option(Text, std::vector<double>&, Text) const;

}  // namespace cairn::cli
