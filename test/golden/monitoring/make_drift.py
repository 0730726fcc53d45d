"""Writes drift.json: what SciPy and NumPy give for pairs of samples. Usage: pip install scipy; python make_drift.py"""
import json
import pathlib

import numpy as np
import scipy
from scipy import stats
from scipy.spatial.distance import jensenshannon

rng = np.random.default_rng(20240502)


def deciles(reference):
    """Inner cuts: the values at the positions floor(n k / 10) of the sorted reference, without repetition."""
    ordered = np.sort(reference)
    cuts = []
    for k in range(1, 10):
        cut = ordered[len(ordered) * k // 10]
        if cut > ordered[0] and (not cuts or cut != cuts[-1]):
            cuts.append(cut)
    return cuts


def binned(reference, current):
    own = np.unique(reference)
    if len(own) <= 10:
        # Each value by itself, and one bin for what the reference never had.
        then, now = ([np.sum(side == value) for value in own] for side in (reference, current))
        new = len(current) - sum(now)
        return np.array(then + ([0] if new else [])), np.array(now + ([new] if new else []))
    cuts = np.array([-np.inf, *deciles(reference), np.inf])
    # histogram's bins are [a, b), the last one closed
    return np.histogram(reference, cuts)[0], np.histogram(current, cuts)[0]


def distances(p_counts, q_counts):
    p, q = p_counts / p_counts.sum(), q_counts / q_counts.sum()
    ps = (p_counts + 0.5) / (p_counts.sum() + len(p_counts) / 2)
    qs = (q_counts + 0.5) / (q_counts.sum() + len(q_counts) / 2)
    return {
        "psi": float(np.sum((qs - ps) * np.log(qs / ps))),
        "jensenShannon": float(jensenshannon(p, q, base=2)),
        "hellinger": float(np.sqrt(np.sum((np.sqrt(p) - np.sqrt(q)) ** 2) / 2)),
        "totalVariation": float(np.abs(p - q).sum() / 2),
    }


def proportions(p, q):
    """z-test of each share; that of two categories is chi-square's."""
    each = [stats.chi2_contingency([[a, p.sum() - a], [b, q.sum() - b]], correction=False).pvalue for a, b in zip(p, q)]
    return float(min(1, min(each) * max(1, len(p) - 1)))


def by_ranks(a, b):
    ad = stats.anderson_ksamp([a, b], variant="midrank", method=None)
    cvm = stats.cramervonmises_2samp(a, b, method="asymptotic")
    return {
        "mannWhitney": float(stats.mannwhitneyu(a, b, method="asymptotic").pvalue),
        "cramerVonMises": float(cvm.pvalue),
        # Beyond its tables SciPy says 0.25 or 0.001.
        **({"andersonDarling": float(ad.pvalue)} if 0.001 < ad.pvalue < 0.25 else {}),
    }, {"andersonDarling": float(ad.statistic), "cramerVonMises": float(cvm.statistic)}


numbers = []
for name, a, b in [
    ("same", rng.normal(size=300), rng.normal(size=200)),
    ("shifted", rng.normal(size=300), rng.normal(0.5, 1, 250)),
    ("wider", rng.normal(10, 1, 120), rng.normal(10, 2, 90)),
    ("equal sizes", rng.exponential(size=64), rng.exponential(1.4, size=64)),
    ("coprime sizes", rng.normal(size=101), rng.normal(0.2, 1, 97)),
    ("ties", np.round(rng.normal(size=400) * 10), np.round(rng.normal(0.1, 1, 150) * 10)),
    ("few values", rng.integers(0, 4, 300).astype(float), rng.integers(0, 5, 80).astype(float)),
    ("heavier tail", rng.normal(size=400), rng.standard_t(3, size=350)),
    ("unequal sizes", rng.normal(size=1500), rng.normal(0.3, 1, 40)),
    ("tiny", rng.normal(size=30), rng.normal(1, 1, 22)),
    ("large", np.round(rng.normal(size=2000), 3), np.round(rng.normal(0.06, 1, 5000), 3)),
]:
    a, b = np.round(a, 6), np.round(b, 6)
    exact = len(a) * len(b) <= 200_000
    ks = stats.ks_2samp(a, b, method="exact" if exact else "asymp")
    want = {"ks": float(ks.pvalue), "ksDistance": float(ks.statistic), "wasserstein": float(stats.wasserstein_distance(a, b) / np.std(a)), **distances(*binned(a, b))}
    if len(a) >= 20 and len(b) >= 20 and len(set(a) | set(b)) > 1:
        ranked, statistics = by_ranks(a, b)
        want.update(ranked)
    else:
        statistics = {}
    numbers.append({"statistics": statistics, "name": name, "exact": exact, "reference": a.tolist(), "current": b.tolist(), "want": want})

categories = []
for name, p, q in [("same", [50, 30, 20], [48, 33, 19]), ("moved", [200, 100, 100], [60, 90, 50]), ("flag", [500, 500], [180, 120]), ("five", [40, 40, 60, 80, 30], [55, 35, 70, 40, 52])]:
    p, q = np.array(p), np.array(q)
    chi = stats.chi2_contingency(np.array([p, q]), correction=False)
    categories.append({"name": name, "reference": p.tolist(), "current": q.tolist(), "want": {"chiSquare": float(chi.pvalue), "proportions": proportions(p, q), **distances(p, q)}})

out = {"madeBy": f"scipy {scipy.__version__}", "numbers": numbers, "categories": categories}
pathlib.Path(__file__).with_name("drift.json").write_text(json.dumps(out))
