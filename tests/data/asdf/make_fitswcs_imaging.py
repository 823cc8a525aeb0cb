"""Makes fitswcs_imaging.asdf and fitswcs_imaging.json with the reference software (gwcs >= 1.0, asdf): the mosaic WCS of
pipeline 3.0, as one node, and sky positions of some pixels. Run in a virtual environment with jwst."""
import json

import asdf
import astropy.coordinates as coord
import astropy.units as u
import gwcs
import numpy as np
from astropy.modeling import models
from gwcs import coordinate_frames as cf
from gwcs.fitswcs import FITSImagingWCSTransform

rho = np.deg2rad(33.0)
pc = np.array([[-np.cos(rho), np.sin(rho)], [np.sin(rho), np.cos(rho)]])
transform = FITSImagingWCSTransform(models.Pix2Sky_TAN(), crpix=[512.25, 300.75], crval=[359.9995, -72.05],
                                    cdelt=[1.75e-5, 1.75e-5], pc=pc)
detector = cf.Frame2D(name="detector", axes_names=("x", "y"), unit=(u.pix, u.pix))
world = cf.CelestialFrame(name="world", reference_frame=coord.ICRS(), unit=(u.deg, u.deg))
wcs = gwcs.WCS([(detector, transform), (world, None)])
wcs.bounding_box = ((-0.5, 1023.5), (-0.5, 599.5))
asdf.AsdfFile({"meta": {"wcs": wcs}}).write_to("fitswcs_imaging.asdf")
points = []
for x, y in [(0, 0), (1023, 599), (512.25, 300.75), (-0.5, 599.5), (700.125, 20.5)]:
    ra, dec = wcs(x, y, with_bounding_box=False)
    points.append({"x": float(x), "y": float(y), "ra": float(ra), "dec": float(dec)})
json.dump(points, open("fitswcs_imaging.json", "w"), indent=1)
