#!/usr/bin/env python3
"""A picture small enough for the documentation: shrink_picture.py FROM TO [SCALE]."""
import sys

from PIL import Image

picture = Image.open(sys.argv[1]).convert("RGB")
scale = float(sys.argv[3]) if len(sys.argv) > 3 else 1.0
size = tuple(round(side * scale) for side in picture.size)
picture.resize(size, Image.LANCZOS).quantize(256, dither=Image.NONE).save(sys.argv[2], optimize=True)
