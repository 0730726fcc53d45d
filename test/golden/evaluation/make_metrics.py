"""Writes metrics.json: what scikit-learn gives for small sets. Usage: pip install scikit-learn; python make_metrics.py"""
import json
import pathlib

import numpy as np
import sklearn
from sklearn import metrics as m

rng = np.random.default_rng(20240501)
cases = []


def probabilities(rows, classes, labels, pull):
    logits = rng.normal(size=(rows, classes))
    logits[np.arange(rows), labels] += pull
    p = np.exp(logits)
    return (p / p.sum(axis=1, keepdims=True)).astype(np.float32)


def classification(name, labels, proba, weights=None):
    rows, width = proba.shape
    guess = proba.argmax(axis=1)
    p = proba.astype(np.float64)
    binary = width == 2
    every = list(range(width))
    w = {"sample_weight": weights}
    sure = p / p.sum(axis=1, keepdims=True)
    want = {
        "accuracy": m.accuracy_score(labels, guess, **w),
        "balancedAccuracy": m.balanced_accuracy_score(labels, guess, **w),
        "logLoss": m.log_loss(labels, sure, labels=every, **w),
        "brier": m.brier_score_loss(labels, p[:, 1], **w) if binary else m.brier_score_loss(labels, sure, labels=every, **w),
    }
    if len(set(labels.tolist())) > 1:
        want["matthews"] = m.matthews_corrcoef(labels, guess, **w)
        want["cohenKappa"] = m.cohen_kappa_score(labels, guess, **w)
    for fn, key in ((m.precision_score, "precision"), (m.recall_score, "recall"), (m.f1_score, "f1")):
        for average in ("macro", "micro", "weighted") + (("binary",) if binary else ()):
            want[f"{key}:{average}"] = fn(labels, guess, average=average, zero_division=0, **w)
    for average in ("macro", "weighted") + (("binary",) if binary else ()):
        want[f"fBeta:{average}"] = m.fbeta_score(labels, guess, beta=2, average=average, zero_division=0, **w)
    if binary and len(set(labels.tolist())) == 2:
        want["rocAuc"] = m.roc_auc_score(labels, p[:, 1], **w)
        want["prAuc"] = m.average_precision_score(labels, p[:, 1], **w)
        want["precisionAtK"] = at_k(labels, p[:, 1], weights)
    elif binary:
        pass
    elif len(set(labels.tolist())) == width:
        onehot = np.eye(width)[labels]
        for average in ("macro", "weighted"):
            want[f"rocAuc:{average}"] = m.roc_auc_score(labels, p / p.sum(axis=1, keepdims=True), multi_class="ovr", average=average, **w)
            want[f"prAuc:{average}"] = m.average_precision_score(onehot, p, average=average, **w)
            if weights is None:
                want[f"rocAuc:oneVersusOne:{average}"] = m.roc_auc_score(labels, sure, multi_class="ovo", average=average)
        for k in (2, 3):
            if k < width:
                want[f"topKAccuracy:{k}"] = m.top_k_accuracy_score(labels, p, k=k, labels=every, **w)
    else:
        # Of a class without rows nothing can be ranked: each that has some against the rest, averaged over those.
        present = sorted(set(labels.tolist()))
        support = [(labels == c) @ (np.ones(rows) if weights is None else weights) for c in present]
        for key, area in (("rocAuc", m.roc_auc_score), ("prAuc", m.average_precision_score)):
            areas = [area(labels == c, p[:, c], **w) for c in present]
            want[f"{key}:macro"] = np.mean(areas)
            want[f"{key}:weighted"] = np.average(areas, weights=support)
    cases.append({"kind": "classes", "name": name, "classes": width, **kept(weights), "labels": labels.tolist(), "predictions": [float(v) for v in proba.ravel()], "want": {k: float(v) for k, v in want.items()}})


def kept(weights):
    return {} if weights is None else {"weights": weights.tolist()}


def at_k(labels, scores, weights):
    """Precision of the best scored, as many as there are positives; a threshold within equal scores takes a part of them."""
    w = np.ones(len(labels)) if weights is None else weights
    k = w[labels == 1].sum()
    hits = seen = 0.0
    for score in sorted(set(scores.tolist()), reverse=True):
        tied = scores == score
        own, positive = w[tied].sum(), w[tied & (labels == 1)].sum()
        if own == 0:
            continue
        part = min(1.0, (k - seen) / own)
        hits, seen = hits + part * positive, seen + part * own
        if seen >= k:
            break
    return hits / k


def regression(name, labels, guess, weights=None):
    labels = np.asarray(labels, dtype=np.float32).astype(np.float64)
    guess = np.asarray(guess, dtype=np.float32).astype(np.float64)
    w = {"sample_weight": weights}
    want = {
        "meanAbsoluteError": m.mean_absolute_error(labels, guess, **w),
        "meanSquaredError": m.mean_squared_error(labels, guess, **w),
        "rootMeanSquaredError": m.root_mean_squared_error(labels, guess, **w),
        "meanAbsolutePercentageError": m.mean_absolute_percentage_error(labels, guess, **w),
        "medianAbsoluteError": m.median_absolute_error(labels, guess, **w),
        "r2": m.r2_score(labels, guess, **w),
        "quantileLoss:0.5": m.mean_pinball_loss(labels, guess, alpha=0.5, **w),
        "quantileLoss:0.9": m.mean_pinball_loss(labels, guess, alpha=0.9, **w),
        # scikit-learn has none; the definition.
        "symmetricMeanAbsolutePercentageError": np.average(2 * np.abs(labels - guess) / (np.abs(labels) + np.abs(guess)), axis=0, weights=weights).mean(),
        "explainedVariance": m.explained_variance_score(labels, guess, **w),
    }
    width = 1 if labels.ndim == 1 else labels.shape[1]
    if width == 1:
        if weights is None:
            want["maxError"] = m.max_error(labels, guess)
        if (labels >= 0).all() and (guess > 0).all():
            want["meanPoissonDeviance"] = m.mean_poisson_deviance(labels, guess, **w)
    cases.append({"kind": "number", "name": name, "width": width, **kept(weights), "labels": labels.ravel().tolist(), "predictions": guess.ravel().tolist(), "want": {k: float(v) for k, v in want.items()}})


y = rng.integers(0, 2, 101)
classification("two classes", y, probabilities(101, 2, y, 0.8))
y = (rng.random(60) < 0.1).astype(int)
classification("two classes, rare positive", y, probabilities(60, 2, y, 1.5))
y = rng.integers(0, 2, 40)
tied = np.round(probabilities(40, 2, y, 0.5)[:, 1] * 4) / 4
tied = np.clip(tied, 0.25, 0.75) + np.where(tied == 0.5, 0.125, 0)
classification("two classes, tied scores", y, np.stack([1 - tied, tied], axis=1).astype(np.float32))
y = rng.integers(0, 4, 150)
classification("four classes", y, probabilities(150, 4, y, 1.2))
y = rng.integers(0, 3, 50)
y[y == 2] = 1
classification("three classes, one absent", y, probabilities(50, 3, y, 0.6))
y = rng.normal(10, 3, 80)
regression("numbers", y, y + rng.normal(0.5, 1, 80))
y = 1e5 + rng.normal(0, 1, 81)
regression("numbers far from zero", y, y + rng.normal(0, 0.3, 81))
y = rng.poisson(4, 70) + 1
regression("counts", y, np.clip(y + rng.normal(0, 1, 70), 0.1, None))
y = rng.normal(2, 1, (40, 3))
regression("three numbers", y, y + rng.normal(0, 0.5, (40, 3)))

# Rows that carry weights: of a fraction, of several, and none at all.
def some_weights(rows):
    return np.where(rng.random(rows) < 0.15, 0.0, rng.integers(1, 17, rows) / 4)


y = rng.integers(0, 2, 90)
classification("two classes, weighted", y, probabilities(90, 2, y, 0.7), some_weights(90))
y = rng.integers(0, 2, 60)
tied = np.clip(np.round(probabilities(60, 2, y, 0.5)[:, 1] * 4) / 4, 0.25, 0.75)
tied = tied + np.where(tied == 0.5, 0.125, 0)
classification("two classes, tied scores, weighted", y, np.stack([1 - tied, tied], axis=1).astype(np.float32), some_weights(60))
y = rng.integers(0, 4, 150)
classification("four classes, weighted", y, probabilities(150, 4, y, 1.2), some_weights(150))
y = rng.integers(0, 3, 50)
y[y == 2] = 1
classification("three classes, one absent, weighted", y, probabilities(50, 3, y, 0.6), some_weights(50))
y = np.ones(20, dtype=int)
classification("one class", y, probabilities(20, 2, y, 0.5))
y = rng.normal(10, 3, 80)
regression("numbers, weighted", y, y + rng.normal(0.5, 1, 80), some_weights(80))
y = rng.integers(1, 4, 61).astype(float)
regression("tied numbers, weighted", y, np.full(61, 2.0), some_weights(61))
y = rng.poisson(4, 70) + 1
regression("counts, weighted", y, np.clip(y + rng.normal(0, 1, 70), 0.1, None), some_weights(70))
y = rng.normal(2, 1, (40, 3))
regression("three numbers, weighted", y, y + rng.normal(0, 0.5, (40, 3)), some_weights(40))

out = {"madeBy": f"scikit-learn {sklearn.__version__}", "cases": cases}
pathlib.Path(__file__).with_name("metrics.json").write_text(json.dumps(out))
