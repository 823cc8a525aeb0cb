"""Makes the tables of this folder with astropy (8.0.2 was used). The tests know the values."""
import astropy.units as u
import numpy as np
from astropy.coordinates import SkyCoord
from astropy.table import MaskedColumn, Table

table = Table()
table["id"] = np.array([1, 2, 3], dtype="i4")
table["label"] = np.array(["a b", "", 'x"y'])
table["flux"] = np.array([1.5, np.nan, -2e-300])
table["flux"].unit = "MJy/sr"
table["flux"].description = 'sum: "all"'
table["is_extended"] = np.array([True, False, True])
table["u2"] = np.array([1, 40000, 65535], dtype="u2")
table["u8"] = np.array([1, 2, 2**63 - 1], dtype="u8")
table["big"] = np.array([1, 2, 2**64 - 1], dtype="u8")
table["f4"] = np.array([0.1, 0.2, 0.3], dtype="f4")
table["mi"] = MaskedColumn(np.array([7, 8, 9], dtype="i4"), mask=[0, 1, 0], fill_value=-99)
table["mf"] = MaskedColumn(np.array([7, 8, 9], dtype="f8"), mask=[0, 1, 0])
table["i1"] = np.array([-5, 0, 100], dtype="i1")
table.meta["WHO"] = "astropy"
table.meta["N"] = 3
table["sky_centroid"] = SkyCoord([10, 20, 30] * u.deg, [-5, 0, 5] * u.deg)
table.write("astropy_table.ecsv", overwrite=True)

with_vectors = table.copy()
with_vectors["vec"] = np.arange(6.0).reshape(3, 2)
with_vectors.write("astropy_table.fits", overwrite=True)
