"""Writes joint.json: what scikit-learn, SciPy and NumPy give for whole rows. Usage: pip install scikit-learn lightgbm; python make_joint.py

mmd: the unbiased estimate of MMD^2 (Gretton et al. 2012, lemma 6) with the Gaussian kernel exp(-d^2 / median d^2) over all pairs, and the
share of 20,000 exchanges of rows that reach it. classifier: forward cross-validation with LightGBM in the same settings: parts are drawn by
another generator, so that numbers are near, not equal. Also ROC AUC and the tail of Pearson III distributions by themselves."""
import json
import pathlib

import lightgbm
import numpy as np
import scipy
import sklearn
from scipy import stats
from sklearn.metrics import roc_auc_score
from sklearn.metrics.pairwise import euclidean_distances

rng = np.random.default_rng(20261130)
EXCHANGES = 20_000


def rows_of(n, agreement=0.0, shift=0.0):
    values = rng.normal(size=(n, 3))
    values[:, 0] += shift
    values[:, 1] = agreement * values[:, 0] + np.sqrt(1 - agreement**2) * values[:, 1]
    values[:, 2] = values[:, 2] > 0.5
    return values.round(4)


def mmd(reference, current):
    rows = np.vstack([reference, current])
    squares = euclidean_distances(rows, squared=True)
    scale = np.median(squares[np.triu_indices(len(rows), 1)])
    kernel = np.exp(-squares / scale)
    np.fill_diagonal(kernel, 0)
    n, m = len(reference), len(current)

    def estimate(is_current):
        side = is_current.astype(float)
        others = 1 - side
        across = others @ kernel @ side / (n * m)
        return others @ kernel @ others / (n * (n - 1)) + side @ kernel @ side / (m * (m - 1)) - 2 * across, across

    side = np.arange(n + m) >= n
    squared, between = estimate(side)
    reached = sum(estimate(rng.permutation(side))[0] >= squared - 1e-12 for _ in range(EXCHANGES))
    return {
        "squared": float(squared),
        "between": float(between),
        "effect": float(np.sqrt(max(0, squared) / (2 * (1 - between)))),
        "pValue": float((reached + 1) / (EXCHANGES + 1)),
    }


def classifier(reference, current, parts=6, first=2, draws=5):
    """Means over several draws of the parts."""
    rows = np.vstack([reference, current])
    label = np.r_[np.zeros(len(reference)), np.ones(len(current))]
    found = []
    for _ in range(draws):
        part = np.r_[rng.permutation(np.arange(len(reference)) % parts), rng.permutation(np.arange(len(current)) % parts)]
        z, aucs, weights = 0, [], []
        for judged in range(first, parts):
            settings = {"objective": "binary", "learning_rate": 0.1, "num_leaves": 8, "min_data_in_leaf": 20, "max_bin": 63, "verbose": -1}
            model = lightgbm.train(settings, lightgbm.Dataset(rows[part < judged], label[part < judged]), num_boost_round=50)
            asked = part == judged
            scores = model.predict(rows[asked])
            u = stats.mannwhitneyu(scores[label[asked] == 1], scores[label[asked] == 0], alternative="greater", method="asymptotic")
            z += stats.norm.isf(u.pvalue)
            aucs.append(roc_auc_score(label[asked], scores))
            weights.append(asked.sum())
        found.append([float(np.average(aucs, weights=weights)), float(z / np.sqrt(parts - first))])
    return {"effect": float(np.mean([auc for auc, _ in found])), "z": float(np.mean([z for _, z in found])), "spread": float(np.std([auc for auc, _ in found]))}


cases = [
    ("equal", rows_of(300), rows_of(240)),
    ("a shift", rows_of(300), rows_of(240, shift=0.25)),
    ("columns that agree", rows_of(300), rows_of(240, agreement=0.7)),
]
scores = np.r_[rng.integers(0, 6, 40), rng.integers(1, 7, 30)].astype(float)
gammas = [float(value) for value in rng.gamma(2.0, size=400).round(6)]
pearson = stats.pearson3(float(stats.skew(gammas)), float(np.mean(gammas)), float(np.std(gammas)))
out = {
    "madeBy": f"scikit-learn {sklearn.__version__}, scipy {scipy.__version__}, lightgbm {lightgbm.__version__}",
    "exchanges": EXCHANGES,
    "cases": [{"name": name, "reference": then.tolist(), "current": now.tolist()} for name, then, now in cases],
    "want": {"mmd": [mmd(then, now) for _, then, now in cases], "classifier": [classifier(then, now) for _, then, now in cases]},
    "auc": {"then": scores[:40].tolist(), "now": scores[40:].tolist(), "want": float(roc_auc_score(np.r_[np.zeros(40), np.ones(30)], scores))},
    "pearson": {"values": gammas, "seen": [6.0, 9.0, 14.0, 20.0], "want": [float(pearson.sf(at)) for at in (6.0, 9.0, 14.0, 20.0)]},
}
pathlib.Path(__file__).with_name("joint.json").write_text(json.dumps(out))
