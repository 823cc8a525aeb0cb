// Agreement on failure (control.hpp): what went wrong on any rank is known on all.
#include <cstdint>
#include <cstring>
#include <exception>
#include <filesystem>
#include <optional>
#include <utility>

#include "tessera/core/contract.hpp"
#include "tessera/parallel/control.hpp"

namespace tessera::parallel {

namespace {

/// Numbers and texts one after another, as bytes.
class Packer {
 public:
  void add(std::int64_t number) {
    auto const* first = reinterpret_cast<std::byte const*>(&number);
    bytes_.insert(bytes_.end(), first, first + sizeof number);
  }
  void add(std::string const& text) {
    add(static_cast<std::int64_t>(text.size()));
    auto const* first = reinterpret_cast<std::byte const*>(text.data());
    bytes_.insert(bytes_.end(), first, first + text.size());
  }
  std::vector<std::byte> take() { return std::move(bytes_); }

 private:
  std::vector<std::byte> bytes_;
};

class Unpacker {
 public:
  explicit Unpacker(std::span<std::byte const> bytes) : rest_(bytes) {}
  bool at_end() const { return rest_.empty(); }
  std::int64_t number() {
    std::int64_t value = 0;
    std::memcpy(&value, next(sizeof value).data(), sizeof value);
    return value;
  }
  std::string text() {
    auto const bytes = next(static_cast<std::size_t>(number()));
    return {reinterpret_cast<char const*>(bytes.data()), bytes.size()};
  }

 private:
  std::span<std::byte const> next(std::size_t count) {
    TESSERA_EXPECT(count <= rest_.size());
    auto const bytes = rest_.first(count);
    rest_ = rest_.subspan(count);
    return bytes;
  }
  std::span<std::byte const> rest_;
};

enum class ErrorKind : std::int64_t { Config, Input, Budget, Io, Other };

struct Thrown {
  ErrorKind kind = ErrorKind::Other;
  ExitStatus status = ExitStatus::InternalError;
  Problem problem;
};

ErrorKind kind_of(Error const& error) {
  if (dynamic_cast<ConfigError const*>(&error)) return ErrorKind::Config;
  if (dynamic_cast<InputError const*>(&error)) return ErrorKind::Input;
  if (dynamic_cast<BudgetError const*>(&error)) return ErrorKind::Budget;
  if (dynamic_cast<IoError const*>(&error)) return ErrorKind::Io;
  return ErrorKind::Other;
}

std::optional<Thrown> run(std::function<void()> const& work) {
  try {
    work();
    return std::nullopt;
  } catch (Error const& error) {
    return Thrown{kind_of(error), error.status(), error.problem()};
  } catch (std::filesystem::filesystem_error const& error) {
    return Thrown{
        ErrorKind::Io,
        ExitStatus::InputOutput,
        {.what = "a file operation failed", .where = error.path1().string(), .found = error.code().message()}};
  } catch (std::exception const& bug) {
    return Thrown{ErrorKind::Other, ExitStatus::InternalError, {.what = bug.what()}};
  } catch (...) {
    return Thrown{ErrorKind::Other, ExitStatus::InternalError, {.what = "an exception of unknown type"}};
  }
}

std::vector<std::byte> pack(Thrown const& thrown) {
  Packer packer;
  packer.add(static_cast<std::int64_t>(thrown.kind));
  packer.add(static_cast<std::int64_t>(thrown.status));
  auto const& problem = thrown.problem;
  for (auto const* part : {&problem.what, &problem.where, &problem.expected, &problem.found, &problem.remedy})
    packer.add(*part);
  return packer.take();
}

[[noreturn]] void throw_packed(std::span<std::byte const> bytes) {
  Unpacker unpacker(bytes);
  auto const kind = static_cast<ErrorKind>(unpacker.number());
  auto const status = static_cast<ExitStatus>(unpacker.number());
  Problem problem;
  for (auto* part : {&problem.what, &problem.where, &problem.expected, &problem.found, &problem.remedy})
    *part = unpacker.text();
  switch (kind) {
    case ErrorKind::Config:
      throw ConfigError(std::move(problem));
    case ErrorKind::Input:
      throw InputError(std::move(problem));
    case ErrorKind::Budget:
      throw BudgetError(std::move(problem));
    case ErrorKind::Io:
      throw IoError(std::move(problem));
    case ErrorKind::Other:
      break;
  }
  throw Error(status, std::move(problem));
}

}  // namespace

std::vector<Failure> agree_on_failures(Communicator const& communicator, std::span<Failure const> mine) {
  Packer packer;
  for (auto const& failure : mine) {
    packer.add(failure.item);
    packer.add(failure.message);
    packer.add(static_cast<std::int64_t>(failure.status));
  }
  auto const parts = communicator.all_gather(packer.take());
  std::vector<Failure> all;
  for (std::size_t rank = 0; rank < parts.size(); ++rank) {
    Unpacker unpacker(parts[rank]);
    while (!unpacker.at_end()) {
      auto& failure = all.emplace_back();
      failure.item = unpacker.text();
      failure.message = unpacker.text();
      failure.status = static_cast<int>(unpacker.number());
      failure.rank = static_cast<int>(rank);
    }
  }
  return all;
}

void all_or_none(Communicator const& communicator, std::function<void()> const& work) {
  auto const thrown = run(work);
  // The lowest rank that threw has the largest of these; 0 says that none did.
  auto const mine = thrown ? static_cast<std::int64_t>(communicator.size() - communicator.rank()) : 0;
  auto const lowest = communicator.max(mine);
  if (lowest == 0) return;
  auto const root = static_cast<int>(communicator.size() - lowest);
  throw_packed(communicator.broadcast(thrown ? pack(*thrown) : std::vector<std::byte>{}, root));
}

}  // namespace tessera::parallel
