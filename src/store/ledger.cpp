#include "tessera/store/ledger.hpp"

#include <fmt/format.h>

#include <algorithm>
#include <sstream>

#include "ledger_group.hpp"
#include "tessera/core/error.hpp"
#include "tessera/core/nearest_name.hpp"
#include "tessera/io/checksum.hpp"
#include "tessera/io/durable_file.hpp"
#include "tessera/io/hdf5_file.hpp"
#include "tessera/store/coronagraph.hpp"

namespace tessera::store {

namespace {

using model::LedgerEntry;

/// HDF5 group of an exposure: '/' cannot stand in a link name, and halves are exposures of their own.
std::string group_name(model::ExposureIdentity const& identity) {
  char const* half = identity.half == model::Half::Imager ? ":imager"
                     : identity.half == model::Half::Lyot ? ":lyot"
                                                          : "";
  return "exposures/" + identity.exposure + half;
}

/// Whose entries an exposure sees: a half those of the whole and its own, the whole those of its halves too.
std::vector<model::ExposureIdentity> sources_of(model::ExposureIdentity const& identity) {
  std::vector<model::ExposureIdentity> sources;
  for (auto const half : {model::Half::Whole, model::Half::Imager, model::Half::Lyot}) {
    if (identity.half != model::Half::Whole && half != model::Half::Whole && half != identity.half) continue;
    sources.push_back(identity);
    sources.back().half = half;
  }
  return sources;
}

/// Of the names and contents of all files; "" of none.
std::string hash_of(std::vector<std::filesystem::path> const& files) {
  std::string joined;
  for (auto const& path : files) joined += path.filename().string() + " " + io::sha256_of_file(path) + "\n";
  return joined.empty() ? "" : io::sha256(joined);
}

}  // namespace

std::filesystem::path ledger_path(std::filesystem::path const& folder, int order, std::string const& step) {
  return folder / fmt::format("{:02d}_{}.h5", order, step);
}

struct LedgerWriter::State {
  std::filesystem::path path, part;
  std::unique_ptr<io::Hdf5File> file;
  std::size_t count = 0;
};

LedgerWriter::LedgerWriter(std::filesystem::path const& path, std::string const& step, int order)
    : state_(std::make_unique<State>()) {
  std::filesystem::create_directories(path.parent_path());
  state_->path = path;
  state_->part = path;
  state_->part += ".part";
  state_->file = std::make_unique<io::Hdf5File>(state_->part, io::Hdf5File::Mode::Create);
  state_->file->set_attribute("", "format", std::string("tessera ledger 1"));
  state_->file->set_attribute("", "step", step);
  state_->file->set_attribute("", "order", static_cast<std::int64_t>(order));
}

LedgerWriter::~LedgerWriter() {
  if (!state_->file) return;
  state_->file.reset();
  std::error_code ignored;
  std::filesystem::remove(state_->part, ignored);
}

void LedgerWriter::add(LedgerEntry const& entry) {
  write_entry(*state_->file, fmt::format("{}/{:06d}", group_name(entry.identity), state_->count), entry);
  ++state_->count;
}

void LedgerWriter::commit() {
  state_->file->close();
  state_->file.reset();
  io::commit_file(state_->part, state_->path);
}

void write_ledger(std::filesystem::path const& path, std::string const& step, int order,
                  std::vector<LedgerEntry> const& entries) {
  LedgerWriter writer(path, step, order);
  for (auto const& entry : entries) writer.add(entry);
  writer.commit();
}

Ledger Ledger::open(std::filesystem::path const& folder, std::string const& last_step) {
  Ledger ledger;
  if (last_step == "none") return ledger;
  std::vector<std::filesystem::path> files;
  if (std::filesystem::is_directory(folder))
    for (auto const& item : std::filesystem::directory_iterator(folder))
      if (item.path().extension() == ".h5") files.push_back(item.path());
  std::sort(files.begin(), files.end());
  bool found = last_step.empty();
  for (auto const& path : files) {
    std::string const stem = path.stem().string();  // NN_<step>
    std::string const step = stem.size() > 3 ? stem.substr(3) : stem;
    ledger.files_.push_back(path);
    ledger.steps_.push_back(step);
    if (step == last_step) {
      found = true;
      break;
    }
  }
  if (!found)
    throw InputError({"no such step in the ledger", folder.string(), "a step with corrections", last_step,
                      suggest_name(last_step, ledger.steps_)});
  ledger.hash_ = hash_of(ledger.files_);
  return ledger;
}

Ledger Ledger::of(std::vector<std::pair<std::string, std::filesystem::path>> const& files) {
  Ledger ledger;
  for (auto const& [step, path] : files) {
    if (!std::filesystem::exists(path)) break;  // what follows was measured on top of it
    ledger.steps_.push_back(step);
    ledger.files_.push_back(path);
  }
  ledger.hash_ = hash_of(ledger.files_);
  return ledger;
}

std::string Ledger::listing() const {
  std::string text = hash_ + "\n";
  for (std::size_t k = 0; k < files_.size(); ++k) text += steps_[k] + " " + files_[k].string() + "\n";
  return text;
}

Ledger Ledger::from_listing(std::string const& listing) {
  Ledger ledger;
  std::istringstream lines(listing);
  std::getline(lines, ledger.hash_);
  for (std::string line; std::getline(lines, line);) {
    auto const blank = line.find(' ');
    ledger.steps_.push_back(line.substr(0, blank));
    ledger.files_.emplace_back(line.substr(blank + 1));
  }
  return ledger;
}

std::vector<LedgerEntry> Ledger::entries(model::ExposureIdentity const& identity) const {
  std::vector<LedgerEntry> all;
  auto const sources = sources_of(identity);
  for (std::size_t k = 0; k < files_.size(); ++k) {
    io::Hdf5File const file(files_[k], io::Hdf5File::Mode::ReadOnly);
    std::vector<std::pair<std::string, model::Half>> found;  // number in the file, whose it is
    for (auto const& source : sources)
      if (auto const group = group_name(source); file.has(group))
        for (auto const& name : file.names(group)) found.emplace_back(name, source.half);
    std::sort(found.begin(), found.end());
    for (auto const& [name, half] : found) {
      auto source = identity;
      source.half = half;
      auto entry = read_entry(file, group_name(source) + "/" + name, files_[k].string());
      entry.identity = source;
      entry.step = steps_[k];
      if (identity.half != model::Half::Whole) {
        all.push_back(std::move(entry));
        continue;
      }
      for (auto& part : rejoin(entry)) all.push_back(std::move(part));
    }
  }
  return all;
}

}  // namespace tessera::store
