// The program. Everything is in cli/commands.h.
#include <cstdio>
#include <exception>
#include <iostream>

#include <unistd.h>

#include "cli/commands.h"
#include "console/interrupt.h"
#include "console/terminal.h"

namespace {

// main() cannot catch exceptions of other threads.
[[noreturn]] void end_with_a_line() {
    cairn::console::restore_terminal();
    std::fputs("cairn: there is not enough memory, or a library failed\n", stderr);
    ::_exit(1);
}

}  // namespace

int main(int argc, char** argv) {
    std::set_terminate(end_with_a_line);
    cairn::console::ignore_file_size_signal();
    cairn::console::reserve_closed_streams();
    cairn::console::keep_terminal();
    return cairn::cli::run_command_line(argc, argv, std::cout, std::cerr);
}
