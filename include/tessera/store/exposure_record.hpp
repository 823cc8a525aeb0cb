// What the inventory knows of an exposure: at most about 1 KB, the same on every rank.
#pragma once
#include <cstdint>
#include <optional>
#include <string>
#include <vector>

#include "tessera/model/exposure.hpp"
#include "tessera/model/sky_grid.hpp"

namespace tessera::store {

/// Where an exposure comes from: the answer of a configuration or a command line, before anything was opened.
struct ExposureSource {
  std::string target;
  std::string band;  ///< empty: one band for all (tessera mosaic)
  std::string path;
  std::string weight_path;  ///< weight plane of a plain FITS image; may be "" (see find_weight_plane)
  std::string mask_path;    ///< mask plane: non-zero is bad
};

/// What kind of file it is.
enum class ExposureKind : std::uint8_t {
  JwstExposure,  ///< _cal, _crf, _rate and every pjpipe step directory: SCI, ERR, DQ, VAR_*
  JwstMosaic,    ///< _i2d: SCI, ERR, WHT, VAR_*; no DQ
  PlainImage,    ///< any FITS image with a celestial WCS
};

struct ExposureRecord {
  model::ExposureIdentity identity;
  std::string path;
  ExposureKind kind = ExposureKind::PlainImage;
  int image_hdu = 0;                   ///< HDU of the image
  std::string weight_path, mask_path;  ///< planes of a plain image in other files (or "" )
  int weight_hdu = -1, mask_hdu = -1;  ///< their HDUs; -1: none
  std::int64_t nx = 0, ny = 0;
  model::PlaneSet planes;  ///< planes of the file with the image's shape

  std::string instrument, detector, filter, pupil, exp_type;  ///< upper case; empty in plain images
  std::string target_name;                                    ///< TARGPROP
  std::string group_id;           ///< exposure group (spec 30, 0.1); the file root for plain images
  bool has_gwcs = false;          ///< an ASDF extension with meta.wcs; else the FITS WCS
  std::string parallel_sequence;  ///< SEQ_ID: "1" prime, "2" and up parallel
  std::string ledger_applied;     ///< exported by tessera: last step of the ledger that is in the file already

  model::SkyPolygon footprint;  ///< corners of the WCS bounding box, ICRS degrees
  double edge_bow_pixels = 0;   ///< how far distorted edges bow from great circles between the corners
  double native_scale_deg = 0;  ///< degrees a pixel at the reference point
  double mean_pixel_area_sr = 0;
  double ra_ref = 0, dec_ref = 0, roll_ref = 0, v3yangle = 0;  ///< degrees (a plain image: its centre, position angle)
  int vparity = -1;

  double effexptm = 0;  ///< seconds
  std::optional<double> tmeasure;
  double duration = 0;
  std::optional<double> expstart, expend;  ///< MJD
  std::string unit;                        ///< BUNIT of the image
  std::optional<double> sky_level;         ///< BKGLEVEL where BKGSUB is not true
  std::int64_t file_bytes = 0;
  std::string header_hash;  ///< SHA-256 of all header cards and the file size: identity of the input
};

/// Something a person should know of an input: left out (with the reason) or taken with a warning.
struct InputNote {
  std::string path;
  bool left_out = false;
  std::string text;
};

/// A record as bytes (CBOR: paths and texts need not be UTF-8, doubles keep their bits), and back.
std::vector<std::uint8_t> pack_record(ExposureRecord const& record);
ExposureRecord unpack_record(std::vector<std::uint8_t> const& bytes);

}  // namespace tessera::store
