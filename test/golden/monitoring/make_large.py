"""Writes large.json: what SciPy gives for samples of up to a million values, which draws.ts makes again from their seeds, and for
categories folded by the rule of src/monitoring/folding.ts. Usage: pip install scipy; python make_large.py"""
import json
import pathlib

import numpy as np
import scipy
from scipy import stats


def draws(seed, rows, shift, digits):
    """Sums of four numbers of the minimal standard generator: nearly normal, and the same in every language."""
    state = seed
    values = np.empty(rows)
    for row in range(rows):
        total = 0.0
        for _ in range(4):
            state = state * 48271 % 2147483647
            total += state / 2147483647
        values[row] = total - 2 + shift
    if digits is not None:
        values = np.floor(values * 10**digits + 0.5) / 10**digits
    return values


def numbers():
    for reference, current, shift, digits in [
        (500, 500, 0.0, None), (500, 5000, 0.02, None), (2001, 700, 0.0, None), (2001, 2001, 0.02, None), (2001, 40000, 0.0, 2),
        (50_000, 50_000, 0.0, None), (50_000, 50_000, 0.003, None), (50_000, 2_000, 0.0, 1),
        (1_000_000, 1_000_000, 0.0, None), (1_000_000, 1_000_000, 0.0005, None), (1_000_000, 3_000, 0.01, None), (1_000_000, 200_000, 0.0, 2),
    ]:
        a, b = draws(11, reference, 0.0, digits), draws(29, current, shift, digits)
        ks = stats.ks_2samp(a, b)
        yield {
            "reference": reference, "current": current, "shift": shift, "digits": digits,
            "ks": float(ks.pvalue), "ksDistance": float(ks.statistic), "wasserstein": float(stats.wasserstein_distance(a, b)), "deviation": float(np.std(a)),
        }


def chi_square(reference, current):
    """One cell per category of the reference, one for all others; cells with an expected count below 5 on a side are pooled."""
    names = sorted(reference)
    cells = [(reference[name], current.get(name, 0)) for name in names] + [(0, sum(count for name, count in current.items() if name not in reference))]
    cells = np.array([cell for cell in cells if sum(cell) > 0])
    share = cells.sum(axis=0).min() / cells.sum()
    rare = cells.sum(axis=1) * share < 5
    if rare.sum() >= 2:
        cells = np.vstack([cells[~rare], cells[rare].sum(axis=0)])
    return float(stats.chi2_contingency(cells.T, correction=False).pvalue)


def categories():
    rng = np.random.default_rng(7)
    weights = {size: rng.dirichlet(np.full(size, 3.0)) for size in (60, 400)}
    for name, size, rows, new in [("60 of one distribution", 60, 200, 0), ("60, 1,000 rows", 60, 1000, 0), ("60, 58 % new", 60, 1000, 0.58), ("400 of one distribution", 400, 2000, 0), ("400, 5 % new", 400, 2000, 0.05)]:
        reference = rng.multinomial(8000, weights[size])
        current = rng.multinomial(rows - int(rows * new), weights[size])
        a = {f"c{i}": int(n) for i, n in enumerate(reference) if n > 0}
        b = {f"c{i}": int(n) for i, n in enumerate(current) if n > 0}
        for i in range(int(rows * new)):
            b[f"new{i % 7}"] = b.get(f"new{i % 7}", 0) + 1
        yield {"name": name, "reference": a, "current": b, "new": int(rows * new) / rows, "chiSquare": chi_square(a, b)}


out = {"madeBy": f"scipy {scipy.__version__}", "numbers": list(numbers()), "categories": list(categories())}
pathlib.Path(__file__).with_name("large.json").write_text(json.dumps(out, indent=1))
