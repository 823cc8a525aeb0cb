// The declarations, by where they come from. Private to src/config.
#pragma once
#include <vector>

#include "tessera/config/step_catalogue.hpp"

namespace tessera::config {

/// Attribute tables of the official pipeline: spec 10, spec 20, spec 30.
std::vector<ParameterTable> detector1_tables();
std::vector<ParameterTable> image2_tables();
std::vector<ParameterTable> image3_tables();

/// pjpipe's steps (spec 40, section 1) up to level 2, on exposures after it, and on mosaics.
std::vector<Step> raw_steps();
std::vector<Step> exposure_steps();
std::vector<Step> mosaic_steps();

/// Tables inside arguments of pjpipe's steps that are not official ones.
std::vector<ParameterTable> pjpipe_inner_tables();

ParameterTable make_tessera_table();

/// Names of the official steps of each pipeline, the pipeline's own attributes first: Parameter::inner of SubSteps.
std::vector<std::string> names_of(std::vector<ParameterTable> const& tables);

/// An official step's table: its parameters and those that all steps have. `skip` has its own default.
ParameterTable official_step(std::string name, bool skip, std::vector<Parameter> parameters);
ParameterTable official_pipeline(std::string name, std::vector<Parameter> parameters);

/// A pjpipe step: its arguments and `overwrite`.
Step make_step(std::string name, StepClass step_class, StepKind kind, std::string purpose,
               std::vector<Parameter> parameters);

}  // namespace tessera::config
