#include "tessera/refs/detector_geometry.hpp"

#include <fmt/format.h>

#include <map>
#include <memory>
#include <mutex>
#include <utility>
#include <vector>

#include "tessera/core/error.hpp"
#include "tessera/io/asdf_document.hpp"
#include "tessera/io/asdf_wcs.hpp"
#include "text_forms.hpp"

namespace tessera::refs {

namespace {

/// What `read` makes of a file, made once a process and path. A file that cannot be read is tried again.
template <class T>
class OncePerPath {
 public:
  template <class Read>
  T get(std::filesystem::path const& path, Read read) {
    std::lock_guard const lock(mutex_);
    auto const found = known_.find(path.string());
    if (found != known_.end()) return found->second;
    return known_.emplace(path.string(), read(path)).first->second;
  }

 private:
  std::mutex mutex_;
  std::map<std::string, T> known_;
};

using Offsets = std::shared_ptr<std::vector<io::FilterOffset> const>;

sky::TransformPointer read_distortion(std::filesystem::path const& path) {
  auto const document = io::AsdfDocument::read(path);
  auto const* model = document.find("model");
  if (!model || model->is_null())
    throw InputError({"distortion reference without a transform", path.string(), "a transform called model", "none",
                      "choose another distortion reference"});
  auto transform = io::read_transform(document);
  if (transform->input_count() != 2 || transform->output_count() != 2)
    throw InputError({"distortion that is not from the plane to the plane", path.string(), "2 inputs and 2 outputs",
                      fmt::format("{} and {}", transform->input_count(), transform->output_count()),
                      "choose another distortion reference"});
  auto const inverse = transform->inverse();
  if (!inverse || inverse->input_count() != 2 || inverse->output_count() != 2)
    throw InputError({"distortion without an inverse", path.string(), "a transform from V2V3 back to pixels",
                      inverse ? "one of other dimensions" : "none", "choose another distortion reference"});
  return transform;
}

Offsets read_offsets(std::filesystem::path const& path) {
  return std::make_shared<std::vector<io::FilterOffset> const>(io::read_filter_offsets(io::AsdfDocument::read(path)));
}

std::string required_text(model::Header const& primary, char const* keyword, std::filesystem::path const& wanted_by) {
  if (auto value = primary.text(keyword)) return *std::move(value);
  throw InputError({fmt::format("{} is missing", keyword), "primary header",
                    fmt::format("the element in use, to find its entry in {}", wanted_by.string()), "none",
                    "correct the header, or leave the exposure out"});
}

/// The entry for FILTER (and PUPIL, where the instrument has one); null when there is none.
io::FilterOffset const* find_offset(std::vector<io::FilterOffset> const& offsets, std::filesystem::path const& path,
                                    model::Header const& primary, bool is_miri) {
  auto const filter = required_text(primary, "FILTER", path);
  auto const pupil = is_miri ? std::string() : required_text(primary, "PUPIL", path);
  io::FilterOffset const* found = nullptr;
  for (auto const& offset : offsets) {
    if (offset.filter != filter || (!is_miri && offset.pupil != pupil)) continue;
    if (found)
      throw InputError({"several filter offsets fit an exposure", path.string(),
                        fmt::format("one for FILTER={} PUPIL={}", filter, pupil), "two or more",
                        "choose another filteroffset reference, or set override_filteroffset = \"N/A\""});
    found = &offset;
    if (is_miri) break;  // there the first one counts
  }
  return found;
}

}  // namespace

sky::DetectorGeometry read_detector_geometry(std::filesystem::path const& distortion,
                                             std::filesystem::path const& filteroffset, model::Header const& primary,
                                             model::DetectorWindow const& window) {
  static OncePerPath<sky::TransformPointer> distortions;
  static OncePerPath<Offsets> all_offsets;
  bool const is_miri = upper(strip(primary.text("INSTRUME").value_or(""))) == "MIRI";
  if (filteroffset.empty() && is_miri)
    throw InputError({"no filter offsets for MIRI", "filteroffset", "a reference file", "N/A",
                      "sync the CRDS cache, or set override_filteroffset"});
  sky::DetectorGeometry geometry;
  geometry.substrt1 = static_cast<long>(window.x_start);
  geometry.substrt2 = static_cast<long>(window.y_start);
  geometry.subsize1 = static_cast<long>(window.nx);
  geometry.subsize2 = static_cast<long>(window.ny);
  geometry.distortion = distortions.get(distortion, read_distortion);
  if (filteroffset.empty()) return geometry;
  auto const offsets = all_offsets.get(filteroffset, read_offsets);
  auto const* offset = find_offset(*offsets, filteroffset, primary, is_miri);
  if (offset && offset->column_offset && offset->row_offset)
    geometry.filter_offset = sky::PixelPoint{*offset->column_offset, *offset->row_offset};
  return geometry;
}

sky::Pointing read_pointing(std::filesystem::path const& path, model::Header const& sci) {
  sky::Pointing pointing;
  std::string missing;
  auto const take = [&](char const* keyword, double& value) {
    if (auto const number = sci.real(keyword))
      value = *number;
    else
      missing += (missing.empty() ? "" : ", ") + std::string(keyword);
  };
  take("V2_REF", pointing.v2_ref);
  take("V3_REF", pointing.v3_ref);
  take("ROLL_REF", pointing.roll_ref);
  take("RA_REF", pointing.ra_ref);
  take("DEC_REF", pointing.dec_ref);
  auto const where = path.string() + "[SCI]";
  if (!missing.empty())
    throw InputError({"the pointing is not known", where, "numbers in " + missing, "none",
                      "set them with the official set_telescope_pointing, or leave the exposure out"});
  pointing.va_scale = sci.real("VA_SCALE");
  if (pointing.va_scale && !(*pointing.va_scale > 0))
    throw InputError({"velocity aberration scale cannot be used", where + " VA_SCALE", "a number above 0",
                      fmt::format("{}", *pointing.va_scale),
                      "correct the keyword or remove it (then no correction is made)"});
  return pointing;
}

}  // namespace tessera::refs
