"""A small simulated survey, shared by the tests of one program, and configurations that reduce it."""
import atexit
import pathlib
import shutil
import tempfile

from harness import Run

SETTINGS = """
seed = 3
version = "v0p1"
bands = ["F300M", "F1000W"]
[[targets]]
name = "ngc0001"
ra = 24.1739
dec = 15.7837
size = 60
[tiles]
columns = 2
rows = 1
overlap = 0.2
[dithers]
count = 2
size = 3.0
[detectors]
nircam_size = 256
miri_size = 256
use = ["nrcalong", "mirimage"]
[scene]
field_stars = 60
member_stars = 100
clusters = 10
ionised_regions = 10
"""

NOT_BUILT = "\n".join(f"{step}.skip = true" for step in ("tweakreg", "skymatch", "outlier_detection", "source_catalog"))
PRODUCTS = {"F300M": "ngc0001_nircam_lv3_f300m", "F1000W": "ngc0001_miri_lv3_f1000w"}


class Survey:
    """The exposures lie in one folder; each configuration has a version, and with it a tree of products, of its own."""

    _made = None

    @classmethod
    def shared(cls):
        if cls._made is None:
            cls._made = cls.of(SETTINGS)
        return cls._made

    @classmethod
    def of(cls, settings):
        """One with other settings of the simulator."""
        made = cls(pathlib.Path(tempfile.mkdtemp(prefix="tessera-survey-")), settings)
        atexit.register(shutil.rmtree, made.root, ignore_errors=True)
        return made

    def __init__(self, root, settings):
        self.root = root
        (root / "simulate.toml").write_text(settings)
        self.folder = root / "survey"
        outcome = Run(["simulate", root / "simulate.toml", "-o", self.folder]).wait()
        if outcome.statuses != [0]:
            raise AssertionError(str(outcome))
        self.exposures = sorted((self.folder / "raw").rglob("*_cal.fits"))

    def configure(self, version, resample="rotation = 0.0", bands=("F300M", "F1000W"), steps=("lv3",), tessera="", targets=("ngc0001",)):
        """Writes a configuration and returns its path."""
        path = self.folder / f"{version}.toml"
        quoted = [", ".join(f'"{name}"' for name in names) for names in (targets, bands, steps)]
        path.write_text(f'targets = [{quoted[0]}]\nversion = "{version}"\nbands = [{quoted[1]}]\nsteps = [{quoted[2]}]\n'
                        f"[tessera]\n{tessera}\n[parameters.lv3.jwst_parameters]\n{NOT_BUILT}\n"
                        f"[parameters.lv3.jwst_parameters.resample]\n{resample}\n")
        return path

    def tree(self, version):
        return self.folder / "reprocessed" / version

    def product(self, version, band):
        return self.tree(version) / "ngc0001" / band / "lv3" / f"{PRODUCTS[band]}_i2d.fits"

    def journal(self, version, band):
        return self.product(version, band).parent / f"{PRODUCTS[band]}_i2d.journal"
