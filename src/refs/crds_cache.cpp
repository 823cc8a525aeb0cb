#include "tessera/refs/crds_cache.hpp"

#include <fmt/format.h>

#include <algorithm>
#include <cstdlib>
#include <fstream>
#include <iterator>
#include <map>
#include <mutex>
#include <optional>
#include <set>

#include "tessera/core/error.hpp"
#include "tessera/core/nearest_name.hpp"
#include "text_forms.hpp"

namespace tessera::refs {

namespace {

namespace fs = std::filesystem;

constexpr char const* Observatory = "jwst";
/// Without a tag file a folder with more entries than this is flat (spec 25, 2.1).
constexpr std::size_t MostInstrumentFolders = 20;
/// Real mappings have at most some megabytes.
constexpr std::uintmax_t LargestMapping = std::uintmax_t{256} << 20;

std::string environment(std::string const& name) {
  char const* value = std::getenv(name.c_str());
  return value ? value : "";
}

bool is_true(std::string const& text) {
  auto const folded = lower(strip(text));
  return folded == "1" || folded == "true" || folded == "yes" || folded == "on" || folded == "t" || folded == "y";
}

fs::path without_slash(std::string text) {
  while (text.size() > 1 && text.back() == '/') text.pop_back();
  return text;
}

std::optional<std::string> read_text(fs::path const& path) {
  std::error_code error;
  if (!fs::is_regular_file(path, error)) return std::nullopt;
  if (fs::file_size(path, error) > LargestMapping)
    throw InputError({"too large for a file of a CRDS cache", path.string(), "", "", ""});
  std::ifstream stream(path, std::ios::binary);
  std::string text{std::istreambuf_iterator<char>(stream), {}};
  if (!stream.good() && !stream.eof())
    throw InputError({"cannot be read", path.string(), "", "", "look at the permissions of the cache"});
  return text;
}

/// Names in a folder, sorted; none when there is no such folder.
std::vector<std::string> names_in(fs::path const& folder) {
  std::vector<std::string> names;
  std::error_code error;
  for (fs::directory_iterator item(folder, error), end; !error && item != end; item.increment(error))
    names.push_back(item->path().filename().string());
  std::sort(names.begin(), names.end());
  return names;
}

/// jwst_NNNN.pmap -> NNNN; -1 for other names.
long context_number(std::string_view name) {
  std::string_view const head = "jwst_", tail = ".pmap";
  if (!name.starts_with(head) || !name.ends_with(tail)) return -1;
  auto const digits = name.substr(head.size(), name.size() - head.size() - tail.size());
  if (digits.empty() || digits.size() > 9 || digits.find_first_not_of("0123456789") != std::string_view::npos)
    return -1;
  return std::stol(std::string(digits));
}

}  // namespace

CrdsFolders CrdsFolders::below(fs::path const& said) {
  fs::path const root = without_slash(said.string());
  auto const names = names_in(root / "mappings");
  bool const is_single = !fs::is_directory(root / "mappings" / Observatory) &&
                         std::any_of(names.begin(), names.end(), [](auto const& name) {
                           return name.ends_with(".pmap") || name.ends_with(".imap") || name.ends_with(".rmap");
                         });
  auto const folder = [&](char const* name) { return is_single ? root / name : root / name / Observatory; };
  return {folder("mappings"), folder("references"), folder("config")};
}

CrdsFolders CrdsFolders::from_environment(fs::path const& root) {
  auto const folder = [&](char const* kind, fs::path CrdsFolders::*member, char const* subfolder) -> fs::path {
    if (auto const said = environment(fmt::format("CRDS_{}PATH_SINGLE", kind)); !said.empty())
      return without_slash(said);
    if (auto const said = environment(fmt::format("CRDS_{}PATH", kind)); !said.empty())
      return without_slash(said) / Observatory;
    if (!root.empty()) return below(root).*member;
    if (auto const said = environment("CRDS_PATH_SINGLE"); !said.empty()) return without_slash(said) / subfolder;
    if (auto const said = environment("CRDS_PATH"); !said.empty()) return without_slash(said) / subfolder / Observatory;
    throw ConfigError({"where the CRDS cache lies is not said", "", "", "",
                       "set CRDS_PATH, or crds_path in local.toml, to the folder that holds mappings and references"});
  };
  return {folder("MAP", &CrdsFolders::mappings, "mappings"), folder("REF", &CrdsFolders::references, "references"),
          folder("CFG", &CrdsFolders::config, "config")};
}

struct CrdsCache::State {
  CrdsFolders folders;
  bool verifies = true;
  std::optional<Literal> server_config;
  std::set<std::string> bad_files;
  bool is_flat = false;
  std::vector<std::string> instruments;  ///< folders below references
  std::mutex mutex;
  std::map<std::string, std::shared_ptr<Mapping const>> mappings;

  std::string configured(char const* key) const {
    auto const* value = server_config ? server_config->find(key) : nullptr;
    return value && value->is_text() ? value->text : "";
  }
};

CrdsCache::CrdsCache(CrdsFolders folders) : state_(std::make_shared<State>()) {
  auto& state = *state_;
  state.folders = std::move(folders);
  state.verifies = !is_true(environment("CRDS_IGNORE_MAPPING_CHECKSUM"));
  if (!fs::is_directory(state.folders.mappings))
    throw InputError({"no CRDS cache", state.folders.mappings.string(), "a folder with the mappings of jwst",
                      "no such folder", "set CRDS_PATH or crds_path in local.toml; fill the cache with crds sync"});
  auto const server_config = state.folders.config / "server_config";
  if (auto const text = read_text(server_config)) state.server_config = parse_literal(*text, server_config.string());
  if (auto const* bad = state.server_config ? state.server_config->find("bad_files_list") : nullptr)
    for (auto const& file : bad->items) state.bad_files.insert(file.scalar_text());
  if (auto const text = read_text(state.folders.config / "bad_files.txt")) {
    std::string blanks = *text;
    std::replace_if(
        blanks.begin(), blanks.end(), [](char c) { return c == '\n' || c == '\r' || c == '\t'; }, ' ');
    for (auto const& file : words(blanks)) state.bad_files.insert(file);
  }
  auto const names = names_in(state.folders.references);
  auto const tag = state.folders.config / "ref_cache_subdir_mode";
  if (auto const text = read_text(tag)) {
    auto const mode = std::string(strip(*text));
    if (mode != "flat" && mode != "instrument")
      throw InputError({"unknown layout of the CRDS cache", tag.string(), "instrument or flat", mode, ""});
    state.is_flat = mode == "flat";
  } else {
    state.is_flat = names.size() > MostInstrumentFolders;
  }
  for (auto const& name : names)
    if (fs::is_directory(state.folders.references / name)) state.instruments.push_back(name);
}

CrdsFolders const& CrdsCache::folders() const { return state_->folders; }

std::vector<std::string> CrdsCache::contexts() const {
  std::vector<std::string> all;
  for (auto& name : names_in(state_->folders.mappings))
    if (context_number(name) >= 0) all.push_back(std::move(name));
  std::stable_sort(all.begin(), all.end(),
                   [](auto const& a, auto const& b) { return context_number(a) < context_number(b); });
  return all;
}

std::string CrdsCache::context(std::string_view said) const {
  std::string name(strip(said));
  std::string where = "context";
  if (name.empty()) {
    name = std::string(strip(environment("CRDS_CONTEXT")));
    where = "CRDS_CONTEXT";
  }
  auto const known = contexts();
  auto const configured = [&](char const* first, char const* second) {
    auto const context = state_->configured(first);
    return context.empty() && second ? state_->configured(second) : context;
  };
  if (name.empty() || name == "latest" || name == "jwst-latest" || name == "jwst-operational") {
    where = "the default of " + (state_->folders.config / "server_config").string();
    name = configured("latest_context", "operational_context");
    if (name.empty() && !known.empty()) name = known.back();
  } else if (name == "jwst-edit") {
    where = (state_->folders.config / "server_config").string();
    name = configured("edit_context", nullptr);
  }
  if (name.empty())
    throw InputError({"the CRDS cache has no context", state_->folders.mappings.string(), "a jwst_NNNN.pmap", "none",
                      "crds sync --contexts jwst_NNNN.pmap --fetch-references"});
  if (!name.ends_with(".pmap")) {
    bool const is_mapping = name.ends_with(".imap") || name.ends_with(".rmap");
    throw InputError({is_mapping ? "only a .pmap can be the context" : "this context can only be had from a server",
                      where, "jwst_NNNN.pmap or latest", name, suggest_name(name, known)});
  }
  if (std::error_code error; !fs::is_regular_file(state_->folders.mappings / name, error)) {
    throw InputError({"this context is not in the CRDS cache", where, "", name,
                      fmt::format("crds sync --contexts {}{}", name,
                                  known.empty() ? std::string() : "; " + suggest_name(name, known))});
  }
  return name;
}

std::shared_ptr<Mapping const> CrdsCache::mapping(std::string const& name) const {
  std::lock_guard const lock(state_->mutex);
  auto& held = state_->mappings[name];
  if (held) return held;
  auto const path = state_->folders.mappings / name;
  auto const text = read_text(path);
  if (!text)
    throw InputError({"this mapping is not in the CRDS cache", path.string(), "", "no such file",
                      "copy it (crds sync --contexts CONTEXT): the cache is incomplete"});
  held = std::make_shared<Mapping const>(Mapping::parse(*text, name, state_->verifies));
  return held;
}

fs::path CrdsCache::reference_path(std::string_view said) const {
  if (said.starts_with("crds://")) said.remove_prefix(7);
  if (said.find('/') != std::string_view::npos) return fs::path(said);
  auto const& root = state_->folders.references;
  auto const in_name = split(said, '_');  // jwst_<instrument>_<type>_<serial>.<ext>
  fs::path const of_instrument = root / (in_name.size() > 2 ? lower(in_name[1]) : std::string()) / said;
  fs::path const flat = root / said;
  std::vector<fs::path> places{state_->is_flat ? flat : of_instrument, state_->is_flat ? of_instrument : flat};
  for (auto const& instrument : state_->instruments) places.push_back(root / instrument / said);
  for (auto const& place : places)
    if (std::error_code error; fs::is_regular_file(place, error)) return place;
  return places.front();
}

bool CrdsCache::is_bad(std::string_view file) const { return state_->bad_files.count(std::string(file)) > 0; }

}  // namespace tessera::refs
