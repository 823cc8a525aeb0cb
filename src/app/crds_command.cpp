// crds bestrefs: which reference files exposures need.
#include <fmt/format.h>

#include <algorithm>
#include <cctype>
#include <cstdio>

#include "commands.hpp"
#include "tessera/core/log.hpp"
#include "tessera/core/nearest_name.hpp"
#include "tessera/parallel/mpi_session.hpp"
#include "tessera/refs/check_reference.hpp"
#include "tessera/refs/ref_selector.hpp"

namespace tessera::app {

namespace {

using Status = refs::SelectedReference::Status;

/// The file and whether it is there, or why there is none.
std::string describe(refs::SelectedReference const& reference) {
  switch (reference.status) {
    case Status::Found: {
      auto const state = refs::check_reference(reference.path);
      if (state.kind == refs::ReferenceState::Kind::Present) return reference.file;
      if (state.kind == refs::ReferenceState::Kind::Missing) return reference.file + "  missing";
      return fmt::format("{}  broken: {}", reference.file, state.reason);
    }
    case Status::NotApplicable:
      return "N/A";
    case Status::Omitted:
      return "omitted";
    case Status::Error:
      return "error: " + reference.reason;
  }
  return "";
}

/// A mistyped type is a mistake of the command line, not of the rules.
void require_known(std::vector<std::string> const& asked, std::vector<std::string> const& known) {
  for (auto const& type : asked)
    if (!known.empty() && std::find(known.begin(), known.end(), type) == known.end())
      throw ConfigError({"no reference type of that name", "--types", "", type, suggest_name(type, known)});
}

/// True where every type that was asked for has an answer.
bool print_file(refs::RefSelector const& selector, std::string const& path, std::vector<std::string> const& types) {
  auto const exposure = refs::ExposureParameters::read(path);
  require_known(types, selector.types(exposure.instrument()));
  std::printf("%s\n", path.c_str());
  bool is_complete = true;
  for (auto const& reference : selector.select_all(exposure, types)) {
    std::printf("  %-28s %s\n", reference.type.c_str(), describe(reference).c_str());
    for (auto const& warning : reference.warnings) log::warn("{}", warning);
    if (!types.empty() && reference.status == Status::Error) is_complete = false;
  }
  return is_complete;
}

}  // namespace

ExitStatus print_best_references(CrdsOptions const& options) {
  if (parallel::launcher_rank() != 0) return ExitStatus::Complete;
  refs::RefSelector const selector(refs::CrdsCache(refs::CrdsFolders::from_environment(options.cache)),
                                   options.context);
  std::printf("%s\n", selector.context().c_str());
  auto types = options.types;
  for (auto& type : types)
    std::transform(type.begin(), type.end(), type.begin(),
                   [](unsigned char c) { return static_cast<char>(std::tolower(c)); });
  auto status = ExitStatus::Complete;
  for (auto const& path : options.files) {
    try {
      if (!print_file(selector, path, types)) status = ExitStatus::Refused;
    } catch (InputError const& error) {
      log::error("{}", error.what());
      status = error.status();
    }
  }
  return status;
}

}  // namespace tessera::app
