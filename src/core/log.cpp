#include "tessera/core/log.hpp"

#include <spdlog/sinks/basic_file_sink.h>
#include <spdlog/sinks/stdout_color_sinks.h>
#include <spdlog/spdlog.h>
#include <unistd.h>

#include <atomic>
#include <cstdio>
#include <cstdlib>
#include <memory>
#include <mutex>
#include <set>

#include "tessera/core/error.hpp"

namespace tessera::log {

namespace {

spdlog::level::level_enum spdlog_level(Level level) {
  switch (level) {
    case Level::Debug:
      return spdlog::level::debug;
    case Level::Info:
      return spdlog::level::info;
    case Level::Warning:
      return spdlog::level::warn;
    case Level::Error:
      return spdlog::level::err;
  }
  return spdlog::level::info;
}

Level level_from_environment() {
  char const* value = std::getenv("TESSERA_LOG");
  std::string_view const name = value ? value : "";
  if (name == "debug") return Level::Debug;
  if (name == "warning") return Level::Warning;
  if (name == "error") return Level::Error;
  return Level::Info;
}

/// All state of the log: one a process.
struct Writer {
  std::mutex mutex;
  std::set<std::filesystem::path> files;  ///< that lines go to
  std::atomic<int> rank{0};
  std::atomic<Level> least{level_from_environment()};
  std::shared_ptr<spdlog::sinks::sink> console;
  spdlog::logger logger;
  bool line_is_open = false;  ///< the terminal shows a progress line that has no newline yet

  Writer() : console(std::make_shared<spdlog::sinks::stderr_color_sink_mt>()), logger("tessera", console) {
    console->set_pattern("%H:%M:%S %^%-7l%$ %v");
    logger.set_level(spdlog::level::debug);
    // Warnings and above reach the files at once, so that a killed job leaves them behind.
    logger.flush_on(spdlog::level::warn);
  }

  void end_progress_line() {
    if (!line_is_open) return;
    std::fputc('\n', stderr);
    line_is_open = false;
  }
};

Writer& writer() {
  static Writer instance;
  return instance;
}

}  // namespace

void set_rank(int rank) { writer().rank = rank; }

void set_level(Level level) { writer().least = level; }

void add_file(std::filesystem::path const& path) {
  auto& out = writer();
  if (out.rank != 0 || out.files.contains(path)) return;
  try {
    auto file = std::make_shared<spdlog::sinks::basic_file_sink_mt>(path.string());
    file->set_pattern("%Y-%m-%d %H:%M:%S %-7l %v");
    std::scoped_lock const lock(out.mutex);
    out.logger.sinks().push_back(std::move(file));
    out.files.insert(path);
  } catch (spdlog::spdlog_ex const& failure) {
    throw IoError({.what = "cannot open the log file",
                   .where = path.string(),
                   .found = failure.what(),
                   .remedy = "check that the folder exists and can be written"});
  }
}

void write(Level level, std::string const& text) {
  auto& out = writer();
  int const rank = out.rank;
  if (level < out.least) return;
  if (rank != 0 && level < Level::Warning) return;
  std::scoped_lock const lock(out.mutex);
  out.end_progress_line();
  out.logger.log(spdlog_level(level), "{}", rank == 0 ? text : fmt::format("[rank {}] {}", rank, text));
}

void flush() {
  std::scoped_lock const lock(writer().mutex);
  writer().logger.flush();
}

bool is_terminal() { return isatty(fileno(stderr)) == 1; }

void progress_line(std::string const& text) {
  auto& out = writer();
  if (out.rank != 0 || !is_terminal() || out.least > Level::Info) return;
  std::scoped_lock const lock(out.mutex);
  std::fprintf(stderr, "\r%s\x1b[K", text.c_str());  // the escape clears what a longer line left behind
  std::fflush(stderr);
  out.line_is_open = true;
}

}  // namespace tessera::log
