// The program. Everything is in cli/commands.h.
#include <iostream>

#include "cli/commands.h"

int main(int argc, char** argv) {
    return cairn::cli::run_command_line(argc, argv, std::cout, std::cerr);
}
