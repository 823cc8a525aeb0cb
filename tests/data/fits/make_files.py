"""Makes the tile-compressed files of this folder with astropy (8.0.2 was used). The tests know the pixel formulas."""
import numpy as np
from astropy.io import fits

rows, columns = np.mgrid[0:40, 0:50]

# uint32 flags, stored as int32 with BZERO 2^31: (row * 50 + column) * 2654435761 modulo 2^32.
flags = ((rows * 50 + columns).astype(np.uint64) * 2654435761 % 2**32).astype(np.uint32)
fits.HDUList([fits.PrimaryHDU(), fits.CompImageHDU(flags, name="DQ", compression_type="GZIP_1")]).writeto(
    "compressed_flags.fits", overwrite=True)

# int16 with BSCALE 0.5, BZERO 100 and BLANK: stored 3 * row - column, every 7th column no data.
stored = (3 * rows - columns).astype(np.int16)
stored[:, ::7] = -32768
hdu = fits.CompImageHDU(stored, name="SCI", compression_type="RICE_1", tile_shape=(8, 16))
hdu.header["BLANK"] = -32768
hdu.writeto("compressed_blank.fits", overwrite=True)
with fits.open("compressed_blank.fits", disable_image_compression=True, mode="update") as file:
    file[1].header["BSCALE"] = 0.5
    file[1].header["BZERO"] = 100.0

# float32 without quantisation: NaN stays NaN. row + column / 64, NaN on the diagonal.
values = (rows + columns / 64).astype(np.float32)
values[rows == columns] = np.nan
fits.HDUList([fits.PrimaryHDU(), fits.CompImageHDU(values, name="SCI", compression_type="GZIP_2", quantize_level=0)]).writeto(
    "compressed_float.fits", overwrite=True)
