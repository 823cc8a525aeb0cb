// The log: one facade over spdlog (which only src/core/log.cpp sees). Rank 0 speaks for all unless told otherwise.
#pragma once
#include <fmt/format.h>

#include <filesystem>
#include <string>
#include <utility>

namespace tessera::log {

enum class Level { Debug, Info, Warning, Error };

/// Rank of this process in the job. Messages of `info` and `debug` are written by rank 0 only; warnings and errors by
/// every rank, with the rank in front (except rank 0). Before the first call the process counts as rank 0.
void set_rank(int rank);

/// Least level written. Default Info; TESSERA_LOG=debug|info|warning|error in the environment sets it at start.
void set_level(Level level);

/// Also appends every message to this file (rank 0 only). Called once the log folder exists.
void add_file(std::filesystem::path const& path);

/// Writes one line. Use the functions below.
void write(Level level, std::string const& text);

/// Hands everything written so far to the operating system. Warnings and errors do so by themselves.
void flush();

/// True when standard error is a terminal: then progress is one line that rewrites itself, else plain lines.
bool is_terminal();

/// Rewrites the progress line on a terminal (rank 0). An ordinary message first ends the line. No effect elsewhere.
void progress_line(std::string const& text);

template <class... Args>
void debug(fmt::format_string<Args...> format, Args&&... args) {
  write(Level::Debug, fmt::format(format, std::forward<Args>(args)...));
}
template <class... Args>
void info(fmt::format_string<Args...> format, Args&&... args) {
  write(Level::Info, fmt::format(format, std::forward<Args>(args)...));
}
template <class... Args>
void warn(fmt::format_string<Args...> format, Args&&... args) {
  write(Level::Warning, fmt::format(format, std::forward<Args>(args)...));
}
template <class... Args>
void error(fmt::format_string<Args...> format, Args&&... args) {
  write(Level::Error, fmt::format(format, std::forward<Args>(args)...));
}

}  // namespace tessera::log
