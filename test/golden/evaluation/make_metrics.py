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


def classification(name, labels, proba):
    rows, width = proba.shape
    guess = proba.argmax(axis=1)
    p = proba.astype(np.float64)
    binary = width == 2
    every = list(range(width))
    want = {
        "accuracy": m.accuracy_score(labels, guess),
        "balancedAccuracy": m.balanced_accuracy_score(labels, guess),
        "matthews": m.matthews_corrcoef(labels, guess),
        "cohenKappa": m.cohen_kappa_score(labels, guess),
        "logLoss": m.log_loss(labels, p / p.sum(axis=1, keepdims=True), labels=every),
        "brier": m.brier_score_loss(labels, p[:, 1]) if binary else m.brier_score_loss(labels, p / p.sum(axis=1, keepdims=True), labels=every),
    }
    for fn, key in ((m.precision_score, "precision"), (m.recall_score, "recall"), (m.f1_score, "f1")):
        for average in ("macro", "micro", "weighted") + (("binary",) if binary else ()):
            want[f"{key}:{average}"] = fn(labels, guess, average=average, zero_division=0)
    for average in ("macro", "weighted") + (("binary",) if binary else ()):
        want[f"fBeta:{average}"] = m.fbeta_score(labels, guess, beta=2, average=average, zero_division=0)
    if binary:
        want["rocAuc"] = m.roc_auc_score(labels, p[:, 1])
        want["prAuc"] = m.average_precision_score(labels, p[:, 1])
    elif len(set(labels.tolist())) == width:
        onehot = np.eye(width)[labels]
        for average in ("macro", "weighted"):
            want[f"rocAuc:{average}"] = m.roc_auc_score(labels, p / p.sum(axis=1, keepdims=True), multi_class="ovr", average=average)
            want[f"prAuc:{average}"] = m.average_precision_score(onehot, p, average=average)
        for k in (2, 3):
            if k < width:
                want[f"topKAccuracy:{k}"] = m.top_k_accuracy_score(labels, p, k=k, labels=every)
    else:
        # Of a class without rows nothing can be ranked: each that has some against the rest, averaged over those.
        present = sorted(set(labels.tolist()))
        support = [int((labels == c).sum()) for c in present]
        for key, area in (("rocAuc", m.roc_auc_score), ("prAuc", m.average_precision_score)):
            areas = [area(labels == c, p[:, c]) for c in present]
            want[f"{key}:macro"] = np.mean(areas)
            want[f"{key}:weighted"] = np.average(areas, weights=support)
    cases.append({"kind": "classes", "name": name, "classes": width, "labels": labels.tolist(), "predictions": [float(v) for v in proba.ravel()], "want": {k: float(v) for k, v in want.items()}})


def regression(name, labels, guess):
    labels = np.asarray(labels, dtype=np.float32).astype(np.float64)
    guess = np.asarray(guess, dtype=np.float32).astype(np.float64)
    want = {
        "meanAbsoluteError": m.mean_absolute_error(labels, guess),
        "meanSquaredError": m.mean_squared_error(labels, guess),
        "rootMeanSquaredError": m.root_mean_squared_error(labels, guess),
        "meanAbsolutePercentageError": m.mean_absolute_percentage_error(labels, guess),
        "medianAbsoluteError": m.median_absolute_error(labels, guess),
        "r2": m.r2_score(labels, guess),
        "explainedVariance": m.explained_variance_score(labels, guess),
    }
    width = 1 if labels.ndim == 1 else labels.shape[1]
    if width == 1:
        want["maxError"] = m.max_error(labels, guess)
        if (labels >= 0).all() and (guess > 0).all():
            want["meanPoissonDeviance"] = m.mean_poisson_deviance(labels, guess)
    cases.append({"kind": "number", "name": name, "width": width, "labels": labels.ravel().tolist(), "predictions": guess.ravel().tolist(), "want": {k: float(v) for k, v in want.items()}})


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

out = {"madeBy": f"scikit-learn {sklearn.__version__}", "cases": cases}
pathlib.Path(__file__).with_name("metrics.json").write_text(json.dumps(out))
