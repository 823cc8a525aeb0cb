#!/usr/bin/env python3
"""Tests of check_layers.py: a small right tree passes, and each kind of fault planted in it is found."""
import pathlib
import sys
import tempfile
import unittest

sys.dont_write_bytecode = True
sys.path.insert(0, str(pathlib.Path(__file__).parent))
import check_layers  # noqa: E402

LAYERS = """# head
core:
sky: core
tessera/core/log.hpp: all but sky
<fstream>: core
mpi.h: core
fmt/*: all
"""


class CheckLayers(unittest.TestCase):
    def faults(self, **changed):
        """Faults of the right tree with some files changed; '__' in a name stands for '/', '_dot_' for '.'."""
        files = {
            "cmake/layers.txt": LAYERS,
            "CMakeLists.txt": "tessera_module(core PUBLIC fmt::fmt)\ntessera_module(sky PUBLIC tessera::core)\n",
            "include/tessera/core/log.hpp": "// Log.\n#pragma once\n#include <fmt/format.h>\n#include <mpi.h>\n#include <string>\n",
            "include/tessera/sky/wcs.hpp": "// Coordinates.\n#pragma once\n#include <vector>\n",
            "src/sky/wcs.cpp": '#include "tessera/sky/wcs.hpp"\n#include "near.hpp"\n',
            "src/sky/near.hpp": "// Private.\n#pragma once\n",
        }
        files.update({name.replace("__", "/").replace("_dot_", "."): text for name, text in changed.items()})
        with tempfile.TemporaryDirectory() as folder:
            root = pathlib.Path(folder).resolve()
            for name, text in files.items():
                (root / name).parent.mkdir(parents=True, exist_ok=True)
                (root / name).write_text(text)
            layers = check_layers.Layers(root / "cmake" / "layers.txt")
            return (layers.faults + check_layers.check_sources(root, layers) + check_layers.check_links(root, layers) +
                    check_layers.check_shape(root))

    def assert_fault(self, fragment, **changed):
        faults = self.faults(**changed)
        self.assertEqual(len(faults), 1, faults)
        self.assertIn(fragment, faults[0])

    def test_right_tree_has_no_faults(self):
        self.assertEqual(self.faults(), [])

    def test_upward_include(self):
        self.assert_fault("src/core/log.cpp:1: core may not include sky",
                          src__core__log_dot_cpp='#include "tessera/sky/wcs.hpp"\n')

    def test_upward_layer(self):
        self.assert_fault("sky is not stated above core", cmake__layers_dot_txt=LAYERS.replace("core:", "core: sky", 1))

    def test_outside_header_of_another_module(self):
        self.assert_fault("sky may not include mpi.h", src__sky__wcs_dot_cpp="#include <mpi.h>\n")

    def test_outside_header_nobody_stated(self):
        self.assert_fault("does not say who may include it", src__sky__wcs_dot_cpp="#include <boost/any.hpp>\n")

    def test_library_header_kept_from_a_module(self):
        self.assert_fault("sky may not include fstream", src__sky__wcs_dot_cpp="#include <fstream>\n")

    def test_header_of_an_allowed_module_kept_from_one(self):
        self.assert_fault("sky may not include tessera/core/log.hpp",
                          src__sky__wcs_dot_cpp='#include "tessera/core/log.hpp"\n')

    def test_include_of_a_header_that_is_not_there(self):
        self.assert_fault("tessera/core/gone.hpp does not exist",
                          src__sky__wcs_dot_cpp='#include "tessera/core/gone.hpp"\n')

    def test_private_header_of_another_module(self):
        self.assert_fault("neither a public header", src__core__log_dot_cpp='#include "../sky/near.hpp"\n')

    def test_module_without_a_line(self):
        self.assert_fault("layers.txt has no module moon", src__moon__phase_dot_cpp="\n")

    def test_module_without_a_folder(self):
        self.assert_fault("module moon has no folder", cmake__layers_dot_txt=LAYERS + "moon: core\n")

    def test_upward_link(self):
        self.assert_fault("core may not link sky",
                          CMakeLists_dot_txt="tessera_module(core PUBLIC tessera::sky)\ntessera_module(sky)\n")

    def test_header_without_purpose(self):
        self.assert_fault("starts with a comment", include__tessera__sky__wcs_dot_hpp="#pragma once\n")

    def test_header_without_guard(self):
        self.assert_fault("#pragma once", include__tessera__sky__wcs_dot_hpp="// Coordinates.\n")

    def test_long_file(self):
        self.assert_fault("601 lines", src__sky__long_dot_cpp="\n" * 601)

    def test_vague_name(self):
        self.assert_fault("says nothing", src__sky__wcs_utils_dot_cpp="\n")


if __name__ == "__main__":
    unittest.main()
