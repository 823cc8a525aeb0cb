// What the joint solution found, and what the data do not determine, for people.
#pragma once
#include <span>
#include <string>

#include "tessera/exchange/joint_stripes.hpp"
#include "tessera/model/exposure.hpp"

namespace tessera::steps {

/// A line an exposure: stripes with data, stripes that the prior holds more than the data do, rms.
std::string joint_exposure_head();
std::string joint_exposure_line(model::ExposureIdentity const& identity, exchange::StripedExposure const& layout,
                                exchange::JointStripes const& solution, int exposure);

/// A line a detector row of an amplifier: what is known of the stripe that all exposures have in common.
std::string joint_row_table(std::span<exchange::StripedExposure const> exposures,
                            exchange::JointStripes const& solution);
/// A line a period: how well structure of the sky along the rows is told from stripes.
std::string joint_sky_line_table(exchange::JointStripes const& solution);

void log_joint_solution(std::string const& label, exchange::JointStripes const& solution);

}  // namespace tessera::steps
