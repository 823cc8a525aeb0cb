"""Where exposures of a simulated survey lie and where a ledger puts them, for the scripts that score alignments.

Plain numpy: the chain of spec 30, 1.7 from V2V3 to the sky, corrections of a ledger (docs/formats/ledger.md) in between, the pointings
of truth/truth.json. Positions on the sky are degrees, in V2V3 arcsec (the frame after velocity aberration), arrays [point][2].
"""
import csv
import json
import pathlib

import numpy as np

ARCSEC = np.degrees(1) * 3600  # of a radian


def rotation(axis, degrees):
    c, s = np.cos(np.radians(degrees)), np.sin(np.radians(degrees))
    return np.array({"x": [[1, 0, 0], [0, c, s], [0, -s, c]], "y": [[c, 0, -s], [0, 1, 0], [s, 0, c]], "z": [[c, s, 0], [-s, c, 0], [0, 0, 1]]}[axis])


def to_vectors(longitude, latitude):
    a, b = np.radians(longitude), np.radians(latitude)
    return np.stack([np.cos(b) * np.cos(a), np.cos(b) * np.sin(a), np.sin(b)], axis=-1)


def to_angles(vectors):
    longitude = np.degrees(np.arctan2(vectors[..., 1], vectors[..., 0])) % 360
    return np.stack([longitude, np.degrees(np.arctan2(vectors[..., 2], np.hypot(vectors[..., 0], vectors[..., 1])))], axis=-1)


def plane_rotation(v2_ref, v3_ref, roll_ref):
    return rotation("x", roll_ref) @ rotation("y", -v3_ref / 3600) @ rotation("z", v2_ref / 3600)


def correct(v2v3, correction):
    """Corrected V2V3, arcsec; `correction`: the nine values of a ledger's `wcs` entry."""
    matrix, shift = np.reshape(correction[:4], (2, 2)), np.asarray(correction[4:6])
    turn = plane_rotation(*correction[6:9])
    w = to_vectors(v2v3[:, 0] / 3600, v2v3[:, 1] / 3600) @ turn.T
    plane = (w[:, 1:] / w[:, :1]) @ matrix.T + shift
    w = np.column_stack([np.ones(len(plane)), plane])
    moved = to_angles(w / np.linalg.norm(w, axis=1, keepdims=True) @ turn)
    moved[:, 0] = (moved[:, 0] + 180) % 360 - 180
    return 3600 * moved


def to_sky(v2v3, pointing):
    """`pointing`: ra_ref, dec_ref, roll_ref (deg), v2_ref, v3_ref (arcsec)."""
    turn = rotation("z", -pointing["ra_ref"]) @ rotation("y", pointing["dec_ref"]) @ plane_rotation(pointing["v2_ref"], pointing["v3_ref"], pointing["roll_ref"])
    return to_angles(to_vectors(v2v3[:, 0] / 3600, v2v3[:, 1] / 3600) @ turn.T)


def offsets(sky, reference):
    """East and north of `reference`, arcsec, point by point."""
    a, d = np.radians(reference[:, 0]), np.radians(reference[:, 1])
    v = to_vectors(sky[:, 0], sky[:, 1])
    zero = np.zeros_like(a)
    east = np.stack([-np.sin(a), np.cos(a), zero], axis=-1)
    north = np.stack([-np.sin(d) * np.cos(a), -np.sin(d) * np.sin(a), np.cos(d)], axis=-1)
    along = np.sum(v * to_vectors(reference[:, 0], reference[:, 1]), axis=1)
    return ARCSEC * np.stack([np.sum(v * east, axis=1) / along, np.sum(v * north, axis=1) / along], axis=-1)


def plane_at(sky, centre):
    """Offsets from one centre (ra, dec)."""
    return offsets(sky, np.broadcast_to(centre, sky.shape))


class Exposure:
    """One exposure of truth.json. `v2v3`: points over the detector, the reference point first."""

    HALF = {"long": 64.0, "miri": 37.0}  # arcsec, half of the field (of MIRI the imager, about); other detectors 32

    def __init__(self, record):
        self.name, self.band, self.visit, self.target = record["exposure"], record["band"], record["visit"], record["target"]
        self.off = record["off"]
        self.detector = self.name.rsplit("_", 1)[1]
        self.believed, self.actual = record["believed"], record["actual"]
        half = self.HALF["miri"] if self.detector == "mirimage" else self.HALF["long"] if self.detector.endswith("long") else 32.0
        steps = half * np.array([[0, 0]] + [[x, y] for x in (-1, 0, 1) for y in (-1, 0, 1) if x or y])
        self.v2v3 = np.array([self.believed["v2_ref"], self.believed["v3_ref"]]) + steps
        self.instrument = "miri" if self.detector == "mirimage" else "nircam_long" if self.detector.endswith("long") else "nircam_short"

    def true_sky(self, v2v3=None):
        return to_sky(self.v2v3 if v2v3 is None else v2v3, self.actual)

    def sky(self, corrections=(), v2v3=None):
        points = self.v2v3 if v2v3 is None else v2v3
        for correction in corrections:
            points = correct(points, correction)
        return to_sky(points, self.believed)


def read_survey(folder, bands=()):
    """The science exposures, of all bands where none is named, in order of their names."""
    records = json.loads((pathlib.Path(folder) / "truth" / "truth.json").read_text())
    found = [Exposure(r) for r in records if not r["off"] and (not bands or r["band"] in bands)]
    if not found:
        raise SystemExit(f"{folder}: no exposures of {', '.join(bands)}")
    return sorted(found, key=lambda e: e.name)


def read_corrections(folder, steps=()):
    """{exposure: corrections in order} of the ledgers below `folder`; of the named steps only, where any are."""
    import h5py
    found = {}
    paths = sorted(p for p in pathlib.Path(folder).rglob("ledger/*/*.h5") if not steps or p.stem.split("_", 1)[1] in steps)
    for path in paths:
        with h5py.File(path) as file:
            for name, group in file.get("exposures", {}).items():
                exposure, _, half = name.partition(":")
                if half == "lyot":
                    continue
                for number in sorted(group):
                    operation = group[number].attrs["operation"]
                    if (operation.decode() if isinstance(operation, bytes) else operation) == "wcs":
                        found.setdefault(exposure, []).append(group[number]["values"][...])
    return found


def read_rows(path):
    with open(path, newline="") as file:
        return list(csv.DictReader(line for line in file if not line.startswith("#")))


class Frames:
    """Differences of places on the sky from the true ones: of every exposure at its points."""

    def __init__(self, exposures, corrections):
        self.exposures = exposures
        self.true = [e.true_sky() for e in exposures]
        self.left = [offsets(e.sky(corrections.get(e.name, ())), t) for e, t in zip(exposures, self.true)]

    def remove_common(self, of=lambda exposure: True):
        """Takes off the shift and rotation that the exposures of `of` have in common (what no alignment of exposures on each other can know)."""
        centre = self.true[0][0]
        rows, values = [], []
        for exposure, true, left in zip(self.exposures, self.true, self.left):
            if of(exposure):
                at = plane_at(true, centre)
                rows += [[1, 0, -y] for _, y in at] + [[0, 1, x] for x, _ in at]
                values += [*left[:, 0], *left[:, 1]]
        common = np.linalg.lstsq(np.array(rows), np.array(values), rcond=None)[0]
        for true, left in zip(self.true, self.left):
            at = plane_at(true, centre)
            left -= np.column_stack([common[0] - common[2] * at[:, 1], common[1] + common[2] * at[:, 0]])
        return common

    def shift(self, k):
        """East, north at the middle of the points of exposure k, arcsec."""
        return self.left[k].mean(axis=0)

    def roll(self, k):
        """Rotation left, degrees, north through east."""
        at = plane_at(self.true[k], self.true[k][0])
        at -= at.mean(axis=0)
        left = self.left[k] - self.left[k].mean(axis=0)
        return float(np.degrees(np.sum(at[:, 1] * left[:, 0] - at[:, 0] * left[:, 1]) / np.sum(at**2)))

    def rms(self, choose=lambda exposure: True):
        """Root of the mean square of a coordinate (of an axis), over the points of the exposures chosen, arcsec."""
        chosen = [left for exposure, left in zip(self.exposures, self.left) if choose(exposure)]
        return float(np.sqrt(np.mean(np.square(chosen)))) if chosen else float("nan")
