#include "tessera/parallel/memory_budget.hpp"

#include <fmt/format.h>
#include <mpi.h>

#include <algorithm>
#include <array>
#include <cctype>
#include <charconv>
#include <cmath>
#include <fstream>
#include <utility>

#include "tessera/core/contract.hpp"
#include "tessera/core/error.hpp"
#include "tessera/parallel/node_memory.hpp"

namespace tessera::parallel {

namespace {

/// Bytes in the line "NAME:  N kB" of /proc/self/status, 0 where there is none.
std::int64_t process_status_bytes(std::string const& name) {
  std::ifstream status("/proc/self/status");
  for (std::string word; status >> word;) {
    std::int64_t kilobytes = 0;
    if (word == name + ":" && status >> kilobytes) return kilobytes * 1024;
  }
  return 0;
}

std::int64_t ranks_on_node(Communicator const& communicator) {
  if (communicator.size() == 1) return 1;
  auto const comm = *static_cast<MPI_Comm const*>(communicator.native());
  MPI_Comm node = MPI_COMM_NULL;
  MPI_Comm_split_type(comm, MPI_COMM_TYPE_SHARED, communicator.rank(), MPI_INFO_NULL, &node);
  int count = 1;
  MPI_Comm_size(node, &count);
  MPI_Comm_free(&node);
  return count;
}

[[noreturn]] void refuse_size(std::string const& text) {
  throw ConfigError({.what = "not a size in bytes",
                     .expected = "a number above 0 with an optional unit K, M, G or T, such as 4G or 1.5G",
                     .found = "'" + text + "'"});
}

/// Power of 1024 that the letters after the number stand for: "", "B", "K", "KB", "KiB", ... in either case.
int unit_power(std::string unit, std::string const& text) {
  std::transform(unit.begin(), unit.end(), unit.begin(), [](unsigned char letter) { return std::toupper(letter); });
  if (unit.empty() || unit == "B") return 0;
  auto const power = std::string("KMGT").find(unit.front());
  auto const rest = unit.substr(1);
  if (power == std::string::npos || !(rest.empty() || rest == "B" || rest == "IB")) refuse_size(text);
  return static_cast<int>(power) + 1;
}

}  // namespace

MemoryBudget::Reservation::Reservation(MemoryBudget& budget, std::string purpose, std::int64_t bytes)
    : budget_(budget) {
  TESSERA_EXPECT(bytes >= 0);
  if (bytes > budget_.free())
    throw BudgetError({.what = "not enough memory for " + purpose,
                       .expected = fmt::format("{} free of {}", format_bytes(bytes), format_bytes(budget_.limit_)),
                       .found = fmt::format("{} free", format_bytes(budget_.free())),
                       .remedy = "give more memory per rank (--memory-per-rank), or run fewer ranks on a node"});
  bytes_ = bytes;
  budget_.reserved_ += bytes;
  budget_.peak_ = std::max(budget_.peak_, budget_.reserved_);
}

MemoryBudget::Reservation::~Reservation() { budget_.reserved_ -= bytes_; }

std::int64_t default_memory_per_rank(Communicator const& communicator) {
  auto const share = node_memory_bytes() / ranks_on_node(communicator) / 10 * 9;
  return -communicator.max(-share);
}

std::int64_t peak_resident_bytes() { return process_status_bytes("VmHWM"); }
std::int64_t resident_bytes() { return process_status_bytes("VmRSS"); }

std::int64_t parse_bytes(std::string const& text) {
  auto const first = text.find_first_not_of(" \t");
  if (first == std::string::npos) refuse_size(text);
  auto const last = text.find_last_not_of(" \t");
  double number = 0;
  auto const [rest, error] =
      std::from_chars(text.data() + first, text.data() + last + 1, number, std::chars_format::fixed);
  if (error != std::errc{} || !std::isfinite(number)) refuse_size(text);
  std::string unit(rest, text.data() + last + 1);
  unit.erase(0, std::min(unit.find_first_not_of(" \t"), unit.size()));
  double const bytes = std::round(std::ldexp(number, 10 * unit_power(unit, text)));
  if (bytes < 1 || bytes >= std::ldexp(1.0, 63)) refuse_size(text);
  return static_cast<std::int64_t>(bytes);
}

std::string format_bytes(std::int64_t bytes) {
  static constexpr std::array units{"B", "KB", "MB", "GB", "TB", "PB"};
  auto value = static_cast<double>(bytes);
  std::size_t unit = 0;
  // 1023.995 would be written as 1024.00: it goes on to the next unit.
  while (std::abs(value) >= (unit == 0 ? 1024.0 : 1023.995) && unit + 1 < units.size()) {
    value /= 1024;
    ++unit;
  }
  return unit == 0 ? fmt::format("{} B", bytes) : fmt::format("{:.2f} {}", value, units[unit]);
}

}  // namespace tessera::parallel
