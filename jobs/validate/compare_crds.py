#!/usr/bin/env python3
"""compare_crds.py CACHE [COUNT]: our best references against those of the Python package crds, for random exposures.

Writes COUNT (default 400) primary headers whose keywords are drawn from the values that the rules of CACHE name, and from
values that they do not; asks `tessera crds bestrefs` and crds.getrecommendations for every type. Needs crds (run only) and
astropy; no network. Prints every difference; ends with 1 if any.
"""
import os
import pathlib
import random
import re
import subprocess
import sys
import tempfile

KEYWORDS = {"INSTRUMENT.DETECTOR": "DETECTOR", "INSTRUMENT.CHANNEL": "CHANNEL", "INSTRUMENT.FILTER": "FILTER",
            "INSTRUMENT.PUPIL": "PUPIL", "INSTRUMENT.BAND": "BAND", "EXPOSURE.TYPE": "EXP_TYPE",
            "EXPOSURE.READPATT": "READPATT", "EXPOSURE.NOUTPUTS": "NOUTPUTS", "SUBARRAY.NAME": "SUBARRAY",
            "VISIT.TSOVISIT": "TSOVISIT"}


def words_of_rules(mappings, instrument):
    """Every word in quotes in the rules of an instrument: most are values of some parameter."""
    words = set()
    for path in mappings.glob(f"*_{instrument}_*.rmap"):
        for text in re.findall(r"'([^'\n]*)'", path.read_text().split("selector", 1)[1]):
            words.update(part for part in text.split("|") if re.fullmatch(r"[A-Z0-9]+", part) and part != "ANY")
    return sorted(words)


def draw(generator, words):
    header = {"DATE-OBS": f"20{generator.randint(13, 25)}-{generator.randint(1, 12):02}-{generator.randint(1, 28):02}",
              "TIME-OBS": f"{generator.randint(0, 23):02}:{generator.randint(0, 59):02}:07.25"}
    likely = {"DETECTOR": r"NRC[AB]|MIRI", "CHANNEL": r"SHORT|LONG", "FILTER": r"F\d+", "PUPIL": r"CLEAR|F\d|FLAT|WL",
              "BAND": r"SHORT|LONG|MED", "EXP_TYPE": r".", "READPATT": r"FAST|SLOW|BRIGHT|RAPID|SHALL", "NOUTPUTS": r"^\d$",
              "SUBARRAY": r"FULL|SUB|SKY", "TSOVISIT": r"^[TF]$"}
    extra = {"EXP_TYPE": ["NRC_IMAGE", "MIR_IMAGE", "NRC_TSIMAGE", "NRC_TACQ", "MIR_TACQ", "MIR_MRS"], "NOUTPUTS": ["1", "2", "4", "5"],
             "READPATT": ["BRIGHT2", "SHALLOW4", "SHALLOW2", "RAPID"], "TSOVISIT": ["T", "F"], "SUBARRAY": ["SUB320", "SUB640", "SUBX"]}
    for keyword in KEYWORDS.values():
        values = [word for word in words if re.search(likely[keyword], word)] + extra.get(keyword, [])
        if generator.random() < 0.1 or not values:
            continue
        header[keyword] = "OTHER" if generator.random() < 0.03 else generator.choice(values)
    return header


def main():
    cache, count = pathlib.Path(sys.argv[1]).resolve(), int(sys.argv[2]) if len(sys.argv) > 2 else 400
    os.environ.update(CRDS_PATH=str(cache), CRDS_SERVER_URL="https://none.invalid", CRDS_OBSERVATORY="jwst")
    import crds
    from astropy.io import fits

    folder = pathlib.Path(tempfile.mkdtemp(prefix="compare-crds-"))
    generator, expected = random.Random(1), {}
    context = max(path.name for path in (cache / "mappings/jwst").glob("jwst_*.pmap"))
    types = {instrument: sorted(re.findall(r"'([^']*)' : '[^']*',", next((cache / "mappings/jwst").glob(f"jwst_{instrument}_*.imap"))
                                           .read_text().split("selector", 1)[1].lower())) for instrument in ("miri", "nircam")}
    for number in range(count):
        instrument = generator.choice(["miri", "nircam"])
        header = draw(generator, words_of_rules(cache / "mappings/jwst", instrument))
        primary = fits.Header({"INSTRUME": instrument.upper()})
        parameters = {"META.INSTRUMENT.NAME": instrument.upper(), "META.OBSERVATION.DATE": header["DATE-OBS"],
                      "META.OBSERVATION.TIME": header["TIME-OBS"]}
        for keyword, value in header.items():
            primary[keyword] = int(value) if value.isdigit() else value == "T" if keyword == "TSOVISIT" and value in "TF" else value
        for name, keyword in KEYWORDS.items():
            if keyword in header:
                parameters["META." + name] = header[keyword]
        path = folder / f"{number:05}.fits"
        fits.PrimaryHDU(header=primary).writeto(path)
        expected[str(path)] = {kind: "N/A" if value == "NOT FOUND n/a" else "error" if value.startswith("NOT FOUND") else value
                               for kind, value in crds.getrecommendations(parameters, reftypes=types[instrument], context=context).items()}
    program = os.environ.get("TESSERA_PROGRAM", "tessera")
    printed = subprocess.run([program, "crds", "bestrefs", "--context", context, *sorted(expected)], text=True, check=True,
                             stdout=subprocess.PIPE).stdout
    found, current = {}, None
    for line in printed.splitlines()[1:]:
        if not line.startswith(" "):
            current = found.setdefault(line, {})
        else:
            kind, answer = line.split()[:2]
            current[kind] = answer.rstrip(":")
    differences = files = 0
    for path, references in expected.items():
        for kind in sorted(set(references) | set(found[path])):
            ours, theirs = found[path].get(kind, "omitted"), references.get(kind, "omitted")
            files += theirs not in ("N/A", "error", "omitted")
            if ours != theirs:
                differences += 1
                print(f"{path} {kind}: tessera {ours}, crds {theirs}")
    total = sum(len(references) for references in expected.values())
    print(f"crds {crds.__version__}, {context}: {count} exposures, {total} answers, {files} of them files, {differences} differences")
    return 1 if differences else 0


if __name__ == "__main__":
    sys.exit(main())
