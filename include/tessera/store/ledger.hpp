// The ledger: corrections of exposures, one HDF5 file a step of a (target, band), written by one rank and never
// rewritten.
#pragma once
#include <filesystem>
#include <memory>
#include <string>
#include <vector>

#include "tessera/model/ledger_entry.hpp"

namespace tessera::store {

/// "NN_<step>.h5" in the ledger folder of a (target, band).
std::filesystem::path ledger_path(std::filesystem::path const& folder, int order, std::string const& step);

/// A ledger file in the making: entries one by one, so that the masks of thousands of exposures never are in memory
/// together. What is not committed leaves nothing. One rank.
class LedgerWriter {
 public:
  LedgerWriter(std::filesystem::path const& path, std::string const& step, int order);
  ~LedgerWriter();
  LedgerWriter(LedgerWriter const&) = delete;
  LedgerWriter& operator=(LedgerWriter const&) = delete;

  void add(model::LedgerEntry const& entry);
  /// Closes, syncs and renames to the final name. Throws IoError.
  void commit();

 private:
  struct State;
  std::unique_ptr<State> state_;
};

/// Writes all entries of one step of one (target, band): beside its final name, synced, renamed. One rank.
/// Format: docs/formats/ledger.md.
void write_ledger(std::filesystem::path const& path, std::string const& step, int order,
                  std::vector<model::LedgerEntry> const& entries);

/// The ledger of a (target, band) as the reader sees it.
class Ledger {
 public:
  /// An empty ledger: exposures as they are in their files.
  Ledger() = default;
  /// Every NN_<step>.h5 of the folder, in order; a folder that does not exist is an empty ledger. With `last_step`,
  /// steps after it are left out ("" : all; "none": no entries); a step that is not there is InputError naming those
  /// there are.
  static Ledger open(std::filesystem::path const& folder, std::string const& last_step = "");

  /// The named steps in the files named, in this order, up to the first file that is not there (not yet written).
  static Ledger of(std::vector<std::pair<std::string, std::filesystem::path>> const& files);

  /// Entries of one exposure in the order they apply. Payloads are read here.
  std::vector<model::LedgerEntry> entries(model::ExposureIdentity const& identity) const;

  std::vector<std::string> const& steps() const { return steps_; }
  /// SHA-256 over the files' content, taken when it was opened: identity of what was applied, for manifests. "" when
  /// empty.
  std::string const& hash() const { return hash_; }

  /// One text for all ranks: what one rank saw of the folder, so that none looks for itself.
  std::string listing() const;
  static Ledger from_listing(std::string const& listing);

 private:
  std::vector<std::string> steps_;
  std::vector<std::filesystem::path> files_;
  std::string hash_;
};

}  // namespace tessera::store
