// How an alignment went, for the report: a table of groups, histograms of residuals a visit, a picture of them.
#pragma once
#include <filesystem>
#include <span>
#include <string>
#include <vector>

#include "tessera/exchange/alignment.hpp"
#include "tessera/exchange/global_alignment.hpp"

namespace tessera::steps {

/// group,visit,images,status,shift_x,shift_y,rotation,scale,sources,matches,rmse,mae,rms_before,rms_after,error_x,
/// error_y,error_rotation,tolerance,reason. Arcsec and degrees; shifts and rotations are what the WCS was corrected by,
/// in the plane of the group's first image.
std::string group_table(exchange::Alignment const& alignment, std::span<exchange::AlignImage const> images);

/// visit,axis,low,high,count: residuals after the correction, arcsec, of all groups of a visit. The first and last bin
/// hold what is beyond them, too.
std::string residual_histograms(exchange::Alignment const& alignment, std::span<exchange::AlignImage const> images);

/// group_1,group_2,matches,by_chance,shift_x,shift_y,rival,verdict of the global solution.
std::string pair_table(exchange::GlobalAlignment const& alignment);
/// detector,offset_x,offset_y: those of the global solution.
std::string detector_table(exchange::GlobalAlignment const& alignment);

/// Picture of the residuals of all groups in a plane, as counts; none where there are no residuals.
void draw_residuals(std::filesystem::path const& path, exchange::Alignment const& alignment, std::string const& title);

}  // namespace tessera::steps
