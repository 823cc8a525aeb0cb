#!/usr/bin/env python3
"""check_layers.py [ROOT]: the layers of cmake/layers.txt, and the shape of every source file.

Layers: every #include of include/tessera and src, and every link of a tessera_module() in CMakeLists.txt, points only to
what cmake/layers.txt (its head says the format) allows; modules named anywhere exist; none includes upwards.
Shape: a header starts with a comment that says what it is for and has #pragma once, once; no file is longer than 600
lines; files have telling names in snake_case. Prints one line a fault, FILE:LINE: what, and ends with 1 if any.
"""
import fnmatch
import pathlib
import re
import sys

LONGEST = 600
VAGUE = {"utils", "util", "helpers", "helper", "common", "misc"}
INCLUDE = re.compile(r'\s*#\s*include\s*([<"])([^>"]+)[>"]')


class Layers:
    """The table: module -> modules below it, and the header rules in their order."""

    def __init__(self, path):
        self.below, self.rules, self.faults = {}, [], []
        for number, line in enumerate(path.read_text().splitlines(), 1):
            line = line.split("#")[0].strip()
            if not line:
                continue
            name, colon, rest = line.partition(":")
            words, where = rest.split(), f"{path.name}:{number}"
            if not colon:
                self.faults.append(f"{where}: neither 'module: modules' nor 'header: modules'")
            elif re.fullmatch(r"[a-z_]+", name):
                self.faults += [f"{where}: {word} is not stated above {name}" for word in words if word not in self.below]
                self.below[name] = set(words)
            else:
                self.rules.append((name.strip("<>"), words, where))
        for name, words, where in self.rules:
            named = set(words) - ({"all", "but"} if words[:1] == ["all"] else set())
            self.faults += [f"{where}: no module {word}" for word in sorted(named - set(self.below))]

    def may_include_module(self, module, other):
        return other == module or other in self.below[module]

    def may_include_header(self, module, header):
        """True or False by the first rule that fits, None when none does."""
        for pattern, words, _ in self.rules:
            if fnmatch.fnmatchcase(header, pattern):
                if words[:2] == ["all", "but"]:
                    return module not in words[2:]
                return words == ["all"] or module in words
        return None


def check_include(root, layers, file, module, quote, header):
    """What is wrong with one #include, or None."""
    if header.startswith("tessera/"):
        other = header.split("/")[1]
        if other not in layers.below:
            return f"{header}: layers.txt has no module {other}"
        if not layers.may_include_module(module, other):
            return f"{module} may not include {other}"
        if not (root / "include" / header).is_file():
            return f"{header} does not exist"
    elif quote == '"':
        near = (file.parent / header).resolve()
        home = (root / "src" / module).resolve()
        if near.is_file() and home in near.parents:
            return None
        return f'"{header}" is neither a public header (tessera/...) nor a file of src/{module}'
    allowed = layers.may_include_header(module, header)
    if allowed is False:
        return f"{module} may not include {header}"
    if allowed is None and not header.startswith("tessera/") and re.search(r"[./]", header):
        return f"{header}: layers.txt does not say who may include it"
    return None


def check_sources(root, layers):
    faults, modules = [], set()
    for top, pattern in ((root / "include" / "tessera", "*.hpp"), (root / "src", "*.[ch]pp")):
        for file in sorted(top.rglob(pattern)):
            shown, module = file.relative_to(root), file.relative_to(top).parts[0]
            if module == "main":  # the program itself: brings up app and nothing else
                module = "app"
            modules.add(module)
            if module not in layers.below:
                faults.append(f"{shown}:1: layers.txt has no module {module}")
                continue
            for number, line in enumerate(file.read_text().splitlines(), 1):
                if hit := INCLUDE.match(line):
                    if fault := check_include(root, layers, file, module, *hit.groups()):
                        faults.append(f"{shown}:{number}: {fault}")
    faults += [f"cmake/layers.txt:1: module {name} has no folder in include/tessera or src"
               for name in layers.below if name not in modules]
    return faults


def check_links(root, layers):
    """tessera_module() calls: known modules, in the order of the table, linking only what lies below."""
    faults, order = [], list(layers.below)
    text = re.sub(r"#.*", "", (root / "CMakeLists.txt").read_text())
    seen = []
    for hit in re.finditer(r"tessera_module\(\s*(\w+)([^)]*)\)", text):
        module, links = hit.group(1), re.findall(r"tessera::(\w+)", hit.group(2))
        if module not in layers.below:
            faults.append(f"CMakeLists.txt:1: layers.txt has no module {module}")
            continue
        seen.append(module)
        faults += [f"CMakeLists.txt:1: {module} may not link {link}" for link in links
                   if not (link in layers.below and layers.may_include_module(module, link))]
    if seen != sorted(seen, key=order.index):
        faults.append("CMakeLists.txt:1: the modules do not stand in the order of layers.txt")
    return faults


def check_shape(root):
    faults = []
    for top in ("include", "src", "tests", "jobs", "cmake"):
        for file in sorted((root / top).rglob("*")):
            if not file.is_file() or file.suffix not in (".hpp", ".cpp", ".py", ".sh", ".cmake"):
                continue
            shown, lines = file.relative_to(root), file.read_text().splitlines()
            if len(lines) > LONGEST:
                faults.append(f"{shown}:{LONGEST}: {len(lines)} lines; one idea a file, at most {LONGEST}")
            if file.suffix not in (".hpp", ".cpp"):
                continue
            if not re.fullmatch(r"[a-z][a-z0-9_]*", file.stem):
                faults.append(f"{shown}:1: file names are snake_case")
            if VAGUE & set([*file.relative_to(root).parts[:-1], *file.stem.split("_")]):
                faults.append(f"{shown}:1: the name says nothing (utils, helpers, common, misc)")
            if file.suffix == ".hpp":
                if not lines or not lines[0].startswith("//"):
                    faults.append(f"{shown}:1: a header starts with a comment that says what it is for")
                if sum(line.strip() == "#pragma once" for line in lines) != 1:
                    faults.append(f"{shown}:1: a header has #pragma once, once")
    return faults


def main(root):
    layers = Layers(root / "cmake" / "layers.txt")
    faults = layers.faults + check_sources(root, layers) + check_links(root, layers) + check_shape(root)
    print("\n".join(faults) if faults else f"layers and shape are as stated: {len(layers.below)} modules")
    return 1 if faults else 0


if __name__ == "__main__":
    sys.exit(main(pathlib.Path(sys.argv[1] if len(sys.argv) > 1 else ".").resolve()))
