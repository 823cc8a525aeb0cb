#include "tessera/app/command_line.hpp"

int main(int argc, char** argv) { return tessera::app::run_command_line(argc, argv); }
