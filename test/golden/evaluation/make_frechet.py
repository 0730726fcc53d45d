"""Writes frechet.json: Fréchet distances by scipy.linalg.sqrtm, as the reference implementation of the FID computes them."""
import json
import pathlib

import numpy as np
import scipy
from scipy.linalg import sqrtm

random = np.random.default_rng(7)
cases = []
for rows, width in [(40, 3), (30, 8), (12, 16)]:
    first = np.round(random.normal(size=(rows, width)) @ random.normal(size=(width, width)), 4)
    second = np.round(random.normal(loc=0.5, size=(rows, width)), 4)
    a, b = np.cov(first, rowvar=False), np.cov(second, rowvar=False)
    difference = first.mean(0) - second.mean(0)
    root = np.real(sqrtm(a @ b))
    distance = float(difference @ difference + np.trace(a) + np.trace(b) - 2 * np.trace(root))
    cases.append({"rows": rows, "width": width, "first": first.ravel().tolist(), "second": second.ravel().tolist(), "distance": distance})
out = {"scipy": scipy.__version__, "cases": cases}
pathlib.Path(__file__).with_name("frechet.json").write_text(json.dumps(out) + "\n")
