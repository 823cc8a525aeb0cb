"""Small FITS files made by hand, and the little reading that checking needs."""
import array
import math
import struct

BLOCK = 2880


def card(keyword, value):
    if isinstance(value, bool):
        text = f"{'T' if value else 'F':>20}"
    elif isinstance(value, (int, float)):
        text = f"{value!r:>20}".replace("e", "E")
    else:
        text = f"'{value:<8}'"
    return f"{keyword:<8}= {text}".ljust(80)


def header(cards):
    text = "".join(card(k, v) for k, v in cards) + "END".ljust(80)
    return text.ljust(-(-len(text) // BLOCK) * BLOCK).encode()


def big_endian_floats(values):
    floats = array.array("f", values)
    floats.byteswap()
    data = floats.tobytes()
    return data + bytes(-len(data) % BLOCK)


def tan_cards(nx, ny, ra, dec, arcsec=0.1):
    """A tangent-plane WCS about the centre, north up."""
    degrees = arcsec / 3600
    return [("CTYPE1", "RA---TAN"), ("CTYPE2", "DEC--TAN"), ("CRVAL1", ra), ("CRVAL2", dec), ("CRPIX1", (nx + 1) / 2),
            ("CRPIX2", (ny + 1) / 2), ("CD1_1", -degrees), ("CD1_2", 0.0), ("CD2_1", 0.0), ("CD2_2", degrees)]


def pixels(nx, ny, seed=0):
    """Something that differs from pixel to pixel and file to file, the same every time."""
    return [math.sin(0.37 * (k % nx) + seed) + math.cos(0.23 * (k // nx)) + 3 for k in range(nx * ny)]


def write_image(path, nx=64, ny=64, ra=30.0, dec=10.0, arcsec=0.1, values=None, wcs=None, integers=False):
    """A plain image in the primary HDU. `wcs`: cards instead of the tangent plane's. `integers`: bytes instead of floats."""
    cards = [("SIMPLE", True), ("BITPIX", 8 if integers else -32), ("NAXIS", 2), ("NAXIS1", nx), ("NAXIS2", ny)]
    cards += tan_cards(nx, ny, ra, dec, arcsec) if wcs is None else wcs
    if integers:
        data = bytes(values)
        data += bytes(-len(data) % BLOCK)
    else:
        data = big_endian_floats(pixels(nx, ny) if values is None else values)
    path.write_bytes(header(cards) + data)
    return path


def write_jwst(path, planes, ra=30.0, dec=10.0):
    """An exposure that calls itself JWST's: planes is a list of (name, nx, ny), the first with a WCS."""
    parts = [header([("SIMPLE", True), ("BITPIX", 8), ("NAXIS", 0), ("EXTEND", True), ("TELESCOP", "JWST"),
                     ("INSTRUME", "NIRCAM"), ("EXP_TYPE", "NRC_IMAGE"), ("FILTER", "F300M"), ("PUPIL", "CLEAR")])]
    for k, (name, nx, ny) in enumerate(planes):
        cards = [("XTENSION", "IMAGE"), ("BITPIX", -32), ("NAXIS", 2), ("NAXIS1", nx), ("NAXIS2", ny), ("PCOUNT", 0),
                 ("GCOUNT", 1), ("EXTNAME", name)]
        parts.append(header(cards + (tan_cards(nx, ny, ra, dec) if k == 0 else [])) + big_endian_floats(pixels(nx, ny)))
    path.write_bytes(b"".join(parts))
    return path


def read_hdus(path):
    """[(cards as {keyword: text}, data bytes)] of a file."""
    content, at, hdus = path.read_bytes(), 0, []
    while at < len(content):
        cards = {}
        while True:
            block = content[at:at + BLOCK].decode("ascii")
            at += BLOCK
            lines = [block[k:k + 80] for k in range(0, BLOCK, 80)]
            for line in lines:
                if line.startswith("CONTINUE") and cards[last].endswith("&"):
                    cards[last] = cards[last][:-1] + line[10:].strip()[1:].split("'")[0].rstrip()
                if line[8:10] == "= ":
                    last = line[:8].strip()
                    value = line[10:].strip()
                    cards[line[:8].strip()] = value[1:value.index("'", 1)].rstrip() if value.startswith("'") else value.split("/")[0].strip()
            if any(line.rstrip() == "END" for line in lines):
                break
        axes = [int(cards[f"NAXIS{k + 1}"]) for k in range(int(cards["NAXIS"]))]
        size = (math.prod(axes) * abs(int(cards["BITPIX"])) // 8 if axes else 0) + int(cards.get("PCOUNT", 0))
        hdus.append((cards, content[at:at + size]))
        at += -(-size // BLOCK) * BLOCK
    return hdus


def plane(path, name):
    """Values of an image extension: floats, or unsigned integers for DQ."""
    for cards, data in read_hdus(path):
        if cards.get("EXTNAME") == name:
            if cards["BITPIX"] == "-32":
                return struct.unpack(f">{len(data) // 4}f", data)
            return [value + int(float(cards.get("BZERO", 0))) for value in struct.unpack(f">{len(data) // 4}i", data)]
    raise KeyError(name)


def checksum_errors(path):
    """Names of the HDUs whose words, header and data, do not add up to minus zero (FITS standard 4.4.2.7)."""
    content, wrong, at = path.read_bytes(), [], 0
    for cards, data in read_hdus(path):
        end = content.index(b"END" + b" " * 77, at)
        while (end - at) % 80:
            end = content.index(b"END" + b" " * 77, end + 1)
        stop = at + -(-(end + 80 - at) // BLOCK) * BLOCK + -(-len(data) // BLOCK) * BLOCK
        total = sum(struct.unpack(f">{(stop - at) // 4}I", content[at:stop]))
        while total >> 32:
            total = (total & 0xFFFFFFFF) + (total >> 32)
        if "CHECKSUM" in cards and total != 0xFFFFFFFF:
            wrong.append(cards.get("EXTNAME", "PRIMARY"))
        at = stop
    return wrong
