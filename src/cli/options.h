// A command and its options, as the commands describe them. CLI11 does the work. Its header costs a
// compiler five seconds and more wherever it is read, so only options.cc and who parses a command
// line read it: a new type of value is one line at the end of options.cc.
#pragma once

#include <cstdint>
#include <functional>
#include <initializer_list>
#include <memory>
#include <string>
#include <type_traits>
#include <vector>

namespace CLI {
class App;
class Option;
class Validator;
}  // namespace CLI

namespace cairn::cli {

/// What is asked of a value, after it was found to be of its type.
class Check {
  public:
    /// Says what is wrong with a value; nothing if it is good.
    using Wrong = std::function<std::string(const std::string& text)>;

    /// `shown`: what --help says of such values, behind the option's type.
    Check(const Wrong& wrong, const std::string& shown);
    explicit Check(std::shared_ptr<const CLI::Validator> validator);

    /// The same, without a word in --help.
    Check unshown() const;
    const CLI::Validator& validator() const { return *validator_; }

  private:
    std::shared_ptr<const CLI::Validator> validator_;
};

Check signed_range(std::int64_t least, std::int64_t most);
Check unsigned_range(std::uint64_t least, std::uint64_t most);
Check real_range(double least, double most);

/// A number from `least` to `most`, both of them allowed.
template <typename T>
Check range(T least, T most) {
    if constexpr (std::is_floating_point_v<T>)
        return real_range(least, most);
    else if constexpr (std::is_signed_v<T>)
        return signed_range(least, most);
    else
        return unsigned_range(least, most);
}

/// One of a few words or numbers.
Check one_of(std::initializer_list<const char*> words);
Check one_of(const std::vector<std::string>& words);
Check one_of(std::initializer_list<int> numbers);

Check existing_file();
/// A file or a folder.
Check existing_path();

/// One option of a command: a handle, which is copied and stays good as long as the command line's
/// parser. What changes the option gives it back, so that one call can follow another.
class Option {
  public:
    explicit Option(CLI::Option* option) : option_(option) {}

    Option check(const Check& check) const;
    /// Its value is what --help shows as the default.
    Option capture_default_str() const;
    Option default_str(const std::string& text) const;
    Option required() const;
    /// Neither may be given with the other.
    Option excludes(Option other) const;
    Option excludes(const std::string& name) const;
    /// Only with the other.
    Option needs(Option other) const;
    /// Of an option with several values: each time that it is given it takes one word, and what
    /// follows is not its value.
    Option one_value_each() const;
    /// One word holds several values, with this between them.
    Option delimiter(char between) const;

    /// How often it was given, once the command line has been parsed.
    std::size_t count() const;
    /// "--steps", or the word by which help calls it if it has no dashes.
    std::string get_name() const;

  private:
    CLI::Option* option_;
};

/// One command: a handle like Option.
class Command {
  public:
    explicit Command(CLI::App& app) : app_(&app) {}

    /// `names`: "--model,model" can be given with its dashes or without. `value` keeps what it has
    /// where the option is not given, and outlives the parsing. The types that can be values stand
    /// at the end of options.cc.
    template <typename T>
    Option add_option(const std::string& names, T& value, const std::string& text) const;
    /// `take` is called with the value, if there is one.
    Option add_option_function(const std::string& names,
                               const std::function<void(const std::string& value)>& take,
                               const std::string& text) const;
    Option add_flag(const std::string& names, bool& given, const std::string& text) const;
    /// Options under a heading of their own.
    Command add_option_group(const std::string& name, const std::string& text) const;
    /// So many of a group's options are given.
    void require_option(std::size_t least, std::size_t most) const;
    Command add_subcommand(const std::string& name, const std::string& text) const;
    /// One of its subcommands is given.
    void require_subcommand() const;
    /// Behind its --help.
    void footer(const std::string& text) const;
    /// When it was the command that was given, after its options were read.
    void callback(const std::function<void()>& done) const;
    /// As callback(), before it: what its options mean together.
    void parse_complete_callback(const std::function<void()>& done) const;

    /// There must be one: CLI11 throws otherwise, which is a mistake in the program.
    Option get_option(const std::string& name) const;
    std::vector<Option> get_options() const;
    /// How often an option was given.
    std::size_t count(const std::string& name) const;

  private:
    CLI::App* app_;
};

}  // namespace cairn::cli
