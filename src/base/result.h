// Result<T>: a value or the reason why there is none. Every failure that a careful program must
// expect (a bad file, a dead peer, a full disk) travels as a Result; nothing throws across a
// library border.
#pragma once

#include <optional>
#include <string>
#include <utility>
#include <variant>

#include "base/check.h"

namespace cairn {

/// What kind of failure it is. Callers branch on the kind; people read the message.
enum class ErrorCode {
    kInvalid,      ///< the input breaks a rule of its format
    kNotFound,     ///< no such file, block, coin, peer
    kIo,           ///< the disk or network failed us
    kFull,         ///< a bound was reached: disk, queue, memory
    kRefused,      ///< the other side said no
    kTimeout,      ///< no answer in time
    kUnsupported,  ///< understood, but this build or version cannot
    kCancelled,    ///< somebody asked us to stop
    kMisused,      ///< a command line that asks for what cannot be
};

/// A failure: its kind and a sentence that says what is wrong and what to do next.
struct Error {
    ErrorCode code = ErrorCode::kInvalid;
    std::string message;

    /// The same failure, whose message begins with what it is about: "a.cairn: why".
    Error with_prefix(const std::string& what) const { return {code, what + ": " + message}; }
};

/// The value of a Result that carries none.
struct Done {};

template <typename T>
class [[nodiscard]] Result {
  public:
    Result(T value) : state_(std::in_place_index<0>, std::move(value)) {}
    Result(Error error) : state_(std::in_place_index<1>, std::move(error)) {}

    bool ok() const { return state_.index() == 0; }
    explicit operator bool() const { return ok(); }

    /// The value; CHECKs that there is one.
    T& value() & {
        CHECK(ok());
        return std::get<0>(state_);
    }
    const T& value() const& {
        CHECK(ok());
        return std::get<0>(state_);
    }
    T&& value() && {
        CHECK(ok());
        return std::get<0>(std::move(state_));
    }
    T& operator*() & { return value(); }
    const T& operator*() const& { return value(); }
    T&& operator*() && { return std::move(*this).value(); }
    T* operator->() { return &value(); }
    const T* operator->() const { return &value(); }

    /// The error; CHECKs that there is one.
    const Error& error() const {
        CHECK(!ok());
        return std::get<1>(state_);
    }

  private:
    std::variant<T, Error> state_;
};

using Status = Result<Done>;

inline Status ok_status() { return Done{}; }

inline Error invalid(std::string message) { return Error{ErrorCode::kInvalid, std::move(message)}; }
inline Error refused(std::string message) { return Error{ErrorCode::kRefused, std::move(message)}; }
inline Error misused(std::string message) { return Error{ErrorCode::kMisused, std::move(message)}; }
inline Error io_error(std::string message) { return Error{ErrorCode::kIo, std::move(message)}; }
inline Error not_found(std::string message) {
    return Error{ErrorCode::kNotFound, std::move(message)};
}

}  // namespace cairn

/// Leaves the function with the error of `expression` if it has one.
#define RETURN_IF_ERROR(expression)                                              \
    do {                                                                         \
        auto return_if_error_result = (expression);                              \
        if (!return_if_error_result.ok()) return return_if_error_result.error(); \
    } while (false)

#define CAIRN_CONCAT_(a, b) a##b
#define CAIRN_CONCAT(a, b) CAIRN_CONCAT_(a, b)

/// ASSIGN_OR_RETURN(auto x, f()): x is f's value, or the function leaves with f's error.
#define ASSIGN_OR_RETURN(declaration, expression) \
    ASSIGN_OR_RETURN_(declaration, expression, CAIRN_CONCAT(assign_result_, __LINE__))
#define ASSIGN_OR_RETURN_(declaration, expression, name) \
    auto name = (expression);                            \
    if (!name.ok()) return name.error();                 \
    declaration = std::move(name).value()
