// The sky of a simulated target: smooth emission as a function of position, and lists of compact sources.
#pragma once
#include <cstdint>
#include <memory>
#include <span>
#include <string>
#include <vector>

#include "tessera/model/sky_grid.hpp"
#include "tessera/simulate/bands.hpp"

namespace tessera::simulate {

/// Position in the tangent plane of a target, arcsec: east and north of its centre.
struct PlanePoint {
  double east = 0, north = 0;
};

struct PlaneBox {
  double east_low = 0, north_low = 0, east_high = 0, north_high = 0;
};

/// A star, cluster or far galaxy.
struct Source {
  enum class Kind : std::uint8_t { FieldStar, MemberStar, Cluster, Galaxy, ListedStar } kind = Kind::FieldStar;
  PlanePoint at;
  double flux = 0;    ///< microjansky at 2 micron
  double slope = -2;  ///< flux ~ wavelength^slope
  double size = 0;    ///< arcsec: Gaussian sigma along the major axis; 0 for a star
  double axis_ratio = 1;
  double angle = 0;  ///< degrees, major axis east of north

  double flux_at(double wavelength_micron) const;
};

/// Strengths of the parts of the smooth emission in a band, MJy/sr.
struct BandMix {
  double stars = 0;    ///< disc and bulge
  double dust = 0;     ///< diffuse emission of arms and interarm gas
  double ionised = 0;  ///< HII regions
};
BandMix mix_of(double wavelength_micron, bool narrow);

/// One target. Immutable; a function of the settings, so every rank has the same.
class Scene {
 public:
  /// Reads the target's star list, where it has one: see read_star_list.
  Scene(SimulationSettings const& settings, std::size_t target);

  /// Smooth emission (disc, bulge, spiral arms, diffuse emission, HII regions with filaments) in MJy/sr. No structure
  /// in it is finer than SmallestStructure, so it may be interpolated from a grid much finer than that.
  double brightness(BandMix const& mix, PlanePoint at) const;
  static constexpr double SmallestStructure = 0.6;  ///< arcsec, Gaussian sigma

  /// Compact sources whose centres lie in the box, in a fixed order (members, star list, then cell and number). Field
  /// stars and far galaxies exist everywhere: they are drawn cell by cell.
  std::vector<Source> sources_in(PlaneBox const& box) const;

  /// The stars of the target's star list, in its order.
  std::vector<Source> const& listed_stars() const { return listed_; }

  PlanePoint to_plane(model::SkyPoint sky) const;
  model::SkyPoint to_sky(PlanePoint at) const;
  void to_plane(std::span<double const> ra, std::span<double const> dec, std::span<double> east,
                std::span<double> north) const;

 private:
  struct IonisedRegion {
    PlanePoint at;
    double peak = 0, sigma = 1;
  };
  void place_members();
  void place_listed_stars(config::SimulatedTarget const& target, config::ListedStarSettings const& settings);
  void place_regions();
  double ionised(PlanePoint at) const;
  PlanePoint place_in_disc(double radius_deviate, double angle_deviate, double arm_deviate, double arm_share) const;
  double arm_strength(double radius, double angle) const;
  void add_cell(std::int64_t column, std::int64_t row, PlaneBox const& box, std::vector<Source>& found) const;

  config::SceneSettings settings_;
  model::SkyPoint centre_;
  double radius_ = 90;  ///< arcsec, where the target ends
  std::uint64_t key_ = 0;
  std::uint32_t noise_seed_ = 0;
  std::vector<Source> members_;  ///< sorted by north
  std::vector<Source> listed_;
  std::vector<IonisedRegion> regions_;
  std::int64_t cells_ = 0;  ///< cells a side of the region index
  std::vector<std::vector<std::uint32_t>> region_cells_;
};

/// Positions of a star list (any table that store::read_star_catalogue takes). Throws InputError where it cannot be
/// read, ConfigError where none of its stars is within half a degree of the target.
std::vector<model::SkyPoint> read_star_list(config::SimulatedTarget const& target);

/// Smooth emission of a target at a sky position, MJy/sr: for tests and truth mosaics. Prefer Scene for many points.
double scene_brightness(SimulationSettings const& settings, std::string const& target, std::string const& band,
                        double ra, double dec);

}  // namespace tessera::simulate
