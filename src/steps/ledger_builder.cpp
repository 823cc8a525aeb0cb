#include "tessera/steps/ledger_builder.hpp"

#include <algorithm>

#include "tessera/core/build_facts.hpp"
#include "tessera/core/log.hpp"
#include "tessera/store/pack_entries.hpp"

namespace tessera::steps {

namespace {

std::filesystem::path journal_folder(BandTask const& task) {
  return std::filesystem::path(task.ledger_file).replace_extension(".journal");
}

}  // namespace

LedgerBuilder::LedgerBuilder(StepContext& context, BandTask const& task)
    : context_(context), task_(task), journal_(journal_folder(task), task.key, context.world.rank()) {
  // One rank looks: on a network file system the others may see an older folder.
  std::string listing;
  parallel::all_or_none(context.world, [&] {
    if (!context.world.is_root()) return;
    journal_.read();
    if (journal_.size() > 0)
      log::info("{} {}: {} finished items are there from an earlier run", task.step, task.label(), journal_.size());
    listing = journal_.listing();
  });
  journal_.take_listing(context.world.broadcast(listing));
}

/// Name of an exposure's entries among the items of the journal.
std::string LedgerBuilder::item_of(model::ExposureIdentity const& identity) const {
  return "entries of " + identity.label() + variant_;
}

void LedgerBuilder::add(model::ExposureIdentity const& identity, std::vector<model::LedgerEntry> entries) {
  for (auto& entry : entries) {
    entry.identity = identity;
    entry.step = task_.step;
    entry.order = task_.order;
    entry.made_from = task_.key;
  }
  journal_.append(item_of(identity), store::pack_entries(entries));
}

bool LedgerBuilder::has(model::ExposureIdentity const& identity) const { return journal_.has(item_of(identity)); }

void LedgerBuilder::commit() {
  // Every rank says what it has put on disk: the folder may look older from elsewhere.
  auto const mine = context_.world.is_root() ? std::string() : journal_.own_listing();
  auto const listings = context_.world.gather(std::as_bytes(std::span(mine)));
  parallel::all_or_none(context_.world, [&] {
    if (!context_.world.is_root()) return;
    for (auto const& listing : listings)
      journal_.add_listing({reinterpret_cast<char const*>(listing.data()), listing.size()});
    auto const is_done = [&](int member) { return has(context_.records[static_cast<std::size_t>(member)].identity); };
    if (std::none_of(task_.members.begin(), task_.members.end(), is_done)) {
      journal_.remove();
      return;  // nothing to stand on: the band goes no further
    }
    // The old manifest goes first: it must never stand beside a new file.
    std::filesystem::remove(store::manifest_path(task_.ledger_file));
    store::LedgerWriter writer(task_.ledger_file, task_.step, task_.order);
    bool whole = true;
    for (int const member : task_.members) {
      auto const& identity = context_.records[static_cast<std::size_t>(member)].identity;
      std::string const item = item_of(identity);
      whole = whole && journal_.has(item);
      if (!journal_.has(item)) continue;
      for (auto const& entry : store::unpack_entries(journal_.load(item))) writer.add(entry);
    }
    writer.commit();
    // Where an exposure failed there is no manifest: the next run tries again, with all of them.
    if (whole) {
      auto manifest = task_.manifest;
      manifest.product = task_.ledger_file.filename().string();
      manifest.program = "tessera " + build_facts().version + " (" + build_facts().commit + ")";
      store::write_manifest(task_.ledger_file, manifest);
    }
    journal_.remove();
    std::error_code ignored;
    std::filesystem::remove_all(task_.scratch, ignored);
  });
}

}  // namespace tessera::steps
