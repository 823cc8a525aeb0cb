// Which files the bands of a survey may take, before any of them was opened.
#pragma once
#include <functional>
#include <string>
#include <string_view>
#include <vector>

#include "tessera/config/survey.hpp"
#include "tessera/parallel/communicator.hpp"

namespace tessera::pipeline {

/// A file for one (target, band).
struct FoundFile {
  std::string path;
  bool must_name_target = false;  ///< only where TARGPROP names the target
};

/// A file that bands of a target may take: raw files of several bands lie together, and the headers decide.
struct OfferedFile {
  struct Offer {
    std::size_t band = 0;  ///< of the survey's bands
    bool must_name_target = false;
  };
  std::size_t target = 0;  ///< of the survey's targets
  std::string path;
  std::vector<Offer> offers;  ///< by band
};

/// By target, then path; of a file found twice for a band the wider offer counts. One rank looks, so that all see the
/// same list even while files arrive; `find` is called there for every target and band. Collective.
std::vector<OfferedFile> offer_files(
    parallel::Communicator const& communicator, config::Survey const& survey,
    std::function<std::vector<FoundFile>(std::string const&, config::Band const&)> const& find);

/// Paths that a shell pattern names, sorted.
std::vector<std::string> expand(std::string const& pattern);

/// Files of the [tessera] inputs list, sorted. Folders are searched for `*_<extension>.fits[.gz]`; files named one by
/// one are taken as they are. Our own products never are inputs, nor are pjpipe's destriped count rates.
std::vector<std::string> listed_inputs(config::Survey const& survey, std::string const& extension);

/// Whether TARGPROP names this target: the same letters and digits, or the same and then letters ("NGC0628-OFF").
bool names_target(std::string_view proposed, std::string_view target);

}  // namespace tessera::pipeline
