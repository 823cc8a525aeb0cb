#include "member_values.hpp"

#include <filesystem>

#include "ledger_keywords.hpp"
#include "tessera/io/fits_file.hpp"
#include "tessera/parallel/control.hpp"

namespace tessera::steps {

namespace {

/// A value as text that reads back the same, whatever its kind.
std::optional<std::string> value_text(model::Header const& header, ImageKeyword const& keyword) {
  switch (keyword.kind) {
    case KeywordKind::Text:
      return header.text(keyword.keyword);
    case KeywordKind::Real:
      if (auto const value = header.real(keyword.keyword)) return fmt::format("{}", *value);
      return std::nullopt;
    case KeywordKind::Integer:
      if (auto const value = header.integer(keyword.keyword)) return fmt::format("{}", *value);
      return std::nullopt;
    case KeywordKind::Logical:
      if (auto const value = header.logical(keyword.keyword)) return *value ? "T" : "F";
      return std::nullopt;
  }
  return std::nullopt;
}

MemberValues read_values(store::ExposureRecord const& record, store::Ledger const& ledger) {
  auto const hdus = io::read_headers(record.path);
  auto const& primary = hdus.front().header;
  auto const& image = hdus[static_cast<std::size_t>(record.image_hdu)].header;
  MemberValues member;
  member.file_name = std::filesystem::path(record.path).filename().string();
  for (auto const& keyword : image_keywords()) {
    auto value = value_text(keyword.in_sci ? image : primary, keyword);
    // A plain image keeps everything in one header.
    if (!value && record.kind == store::ExposureKind::PlainImage)
      value = value_text(keyword.in_sci ? primary : image, keyword);
    member.values.push_back(std::move(value));
  }
  apply_ledger_keywords(ledger, record.identity, member);
  return member;
}

// One text a member: its name and values, each behind a byte that says whether it is there, ended by a zero byte.
std::string pack(MemberValues const& member) {
  std::string text = member.file_name + '\0';
  for (auto const& value : member.values) text += value ? "v" + *value + '\0' : std::string("-") + '\0';
  return text;
}

}  // namespace

std::vector<MemberValues> gather_member_values(parallel::Communicator const& group, MosaicPlan const& plan,
                                               std::vector<store::ExposureRecord> const& records,
                                               store::Ledger const& ledger) {
  auto const& members = plan.request.members;
  // Consecutive shares, so that rank order is member order.
  auto const ranks = static_cast<std::size_t>(group.size()), rank = static_cast<std::size_t>(group.rank());
  std::size_t const begin = members.size() * rank / ranks, end = members.size() * (rank + 1) / ranks;
  std::string mine;
  parallel::all_or_none(group, [&] {
    for (std::size_t k = begin; k < end; ++k)
      mine += pack(read_values(records[static_cast<std::size_t>(members[k])], ledger));
  });
  std::vector<MemberValues> all;
  for (auto const& bytes : group.gather(std::as_bytes(std::span(mine)))) {
    std::string const part(reinterpret_cast<char const*>(bytes.data()), bytes.size());
    std::size_t at = 0;
    auto const next = [&] {
      auto const stop = part.find('\0', at);
      std::string field = part.substr(at, stop - at);
      at = stop + 1;
      return field;
    };
    while (at < part.size()) {
      MemberValues member;
      member.file_name = next();
      for (std::size_t k = 0; k < image_keywords().size(); ++k) {
        std::string const field = next();
        member.values.push_back(field.starts_with('v') ? std::optional<std::string>(field.substr(1)) : std::nullopt);
      }
      all.push_back(std::move(member));
    }
  }
  return all;
}

}  // namespace tessera::steps
