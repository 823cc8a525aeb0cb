// The `tessera` command.
#pragma once

namespace tessera::app {

/// Parses the command line, runs the command, and returns the exit status (core/error.hpp), the same on all ranks.
int run_command_line(int argc, char** argv);

}  // namespace tessera::app
