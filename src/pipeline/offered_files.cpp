#include "offered_files.hpp"

#include <glob.h>

#include <cctype>
#include <filesystem>
#include <map>
#include <nlohmann/json.hpp>
#include <set>
#include <span>

#include "tessera/parallel/control.hpp"

namespace tessera::pipeline {

namespace {

namespace fs = std::filesystem;
using Json = nlohmann::json;

std::string plain_letters(std::string_view text) {
  std::string plain;
  for (char const letter : text)
    if (std::isalnum(static_cast<unsigned char>(letter)))
      plain += static_cast<char>(std::tolower(static_cast<unsigned char>(letter)));
  return plain;
}

bool has_extension(fs::path const& path, std::string const& extension) {
  auto const name = path.filename().string();
  return name.ends_with("_" + extension + ".fits") || name.ends_with("_" + extension + ".fits.gz");
}

/// Folders that are not searched.
bool is_passed_over(fs::directory_entry const& folder, config::Survey const& survey, std::string const& extension) {
  if (extension == "rate" && folder.path().filename() == "single_tile_destripe") return true;
  std::error_code error;
  return fs::equivalent(folder.path(), survey.local.reprocess_dir, error);
}

/// [[target, path, [[band, must_name_target], ...]], ...]
Json list_files(config::Survey const& survey,
                std::function<std::vector<FoundFile>(std::string const&, config::Band const&)> const& find) {
  Json list = Json::array();
  for (std::size_t t = 0; t < survey.targets.size(); ++t) {
    std::map<std::string, std::map<std::size_t, bool>> offers;  // path -> band -> must_name_target
    for (std::size_t b = 0; b < survey.bands.size(); ++b)
      for (auto const& file : find(survey.targets[t], survey.bands[b])) {
        auto const [offer, is_new] = offers[file.path].emplace(b, file.must_name_target);
        if (!is_new) offer->second = offer->second && file.must_name_target;
      }
    for (auto const& [path, bands] : offers) {
      Json pairs = Json::array();
      for (auto const& [band, must_name_target] : bands) pairs.push_back({band, must_name_target});
      list.push_back({t, path, std::move(pairs)});
    }
  }
  return list;
}

}  // namespace

std::vector<OfferedFile> offer_files(
    parallel::Communicator const& communicator, config::Survey const& survey,
    std::function<std::vector<FoundFile>(std::string const&, config::Band const&)> const& find) {
  std::vector<std::byte> bytes;
  parallel::all_or_none(communicator, [&] {
    if (!communicator.is_root()) return;
    auto const packed = Json::to_cbor(list_files(survey, find));  // paths may hold bytes that JSON text cannot
    auto const view = std::as_bytes(std::span(packed));
    bytes.assign(view.begin(), view.end());
  });
  bytes = communicator.broadcast(std::move(bytes));
  auto const* first = reinterpret_cast<std::uint8_t const*>(bytes.data());
  std::vector<OfferedFile> files;
  for (auto const& item : Json::from_cbor(first, first + bytes.size())) {
    OfferedFile file{item.at(0).get<std::size_t>(), item.at(1).get<std::string>(), {}};
    for (auto const& pair : item.at(2)) file.offers.push_back({pair.at(0).get<std::size_t>(), pair.at(1).get<bool>()});
    files.push_back(std::move(file));
  }
  return files;
}

std::vector<std::string> expand(std::string const& pattern) {
  std::vector<std::string> paths;
  ::glob_t found{};
  if (::glob(pattern.c_str(), 0, nullptr, &found) == 0)
    for (std::size_t k = 0; k < found.gl_pathc; ++k) paths.emplace_back(found.gl_pathv[k]);
  ::globfree(&found);
  return paths;
}

std::vector<std::string> listed_inputs(config::Survey const& survey, std::string const& extension) {
  std::set<std::string> paths;
  for (auto const& input : survey.tessera.inputs) {
    if (!fs::is_directory(input)) {
      paths.insert(input.string());  // one that is missing is said when it is examined
      continue;
    }
    for (auto item = fs::recursive_directory_iterator(input); item != fs::recursive_directory_iterator(); ++item) {
      if (item->is_directory() && is_passed_over(*item, survey, extension)) {
        item.disable_recursion_pending();
        continue;
      }
      if (item->is_regular_file() && has_extension(item->path(), extension)) paths.insert(item->path().string());
    }
  }
  return {paths.begin(), paths.end()};
}

bool names_target(std::string_view proposed, std::string_view target) {
  auto const name = plain_letters(proposed), wanted = plain_letters(target);
  return name.starts_with(wanted) &&
         (name.size() == wanted.size() || !std::isdigit(static_cast<unsigned char>(name[wanted.size()])));
}

}  // namespace tessera::pipeline
