"""Writes insights.json: suspected labels as cleanlab finds them, slices tested by SciPy.

    python make_insights.py > insights.json      # pip install cleanlab scipy numpy
"""
import itertools
import json

import numpy as np
from cleanlab.filter import find_label_issues
from scipy.stats import hypergeom, mannwhitneyu

random = np.random.default_rng(7)


def labels_case(rows, classes, noise, absent=None, ties=False):
    truth = random.integers(0, classes, rows)
    if absent is not None:
        truth[truth == absent] = (absent + 1) % classes
    logits = random.normal(size=(rows, classes))
    logits[np.arange(rows), truth] += 2.5
    scores = np.exp(logits) / np.exp(logits).sum(axis=1, keepdims=True)
    if ties:
        scores = np.round(scores * 4) / 4
        scores[scores.sum(axis=1) == 0] = 1
        scores /= scores.sum(axis=1, keepdims=True)
    labels = truth.copy()
    flipped = random.random(rows) < noise
    labels[flipped] = (labels[flipped] + 1 + random.integers(0, classes - 1, flipped.sum())) % classes
    if absent is not None:
        labels[labels == absent] = (absent + 1) % classes
    issues = find_label_issues(labels, scores, filter_by="confident_learning", return_indices_ranked_by="self_confidence")
    return {
        "classes": classes,
        "labels": labels.tolist(),
        "scores": scores.ravel().tolist(),
        "issues": [int(i) for i in issues],
        "own": [float(scores[i, labels[i]]) for i in issues],
    }


def holm(found, looked):
    found.sort(key=lambda one: one["p"])
    least = 0.0
    for rank, one in enumerate(found):
        least = max(least, min(1.0, one["p"] * (looked - rank)))
        one["p"] = least
    return found


def slices_case(rows, shares):
    columns = {"kind": random.choice(["a", "b", "c"], rows).tolist(), "side": random.choice(["left", "right"], rows).tolist(), "coin": random.choice([True, False], rows).tolist()}
    bad = [(k == "b") and (s == "left") for k, s in zip(columns["kind"], columns["side"])]
    if shares:
        losses = np.array([float(random.random() < (0.6 if b else 0.1)) for b in bad])
    else:
        losses = np.round(random.gamma(2, [3.0 if b else 1.0 for b in bad]), 1)
    names = list(columns)
    looked, found, single = 0, [], {}
    for size in (1, 2):
        for chosen in itertools.combinations(names, size):
            values = list(zip(*[columns[name] for name in chosen]))
            for value in sorted(set(values), key=str):
                inside = np.array([v == value for v in values])
                if inside.sum() < 10 or (~inside).sum() < 10:
                    continue
                looked += 1
                mean, others = losses[inside].mean(), losses[~inside].mean()
                if size == 1:
                    single[(chosen[0], value[0])] = mean
                if mean <= others:
                    continue
                if size == 2 and any(mean < 1.1 * single.get((n, v), 0) for n, v in zip(chosen, value)):
                    continue
                if shares:
                    p = hypergeom.sf(losses[inside].sum() - 1, rows, losses.sum(), inside.sum())
                else:
                    p = mannwhitneyu(losses[inside], losses[~inside], alternative="greater", method="asymptotic").pvalue
                text = lambda v: ("true" if v else "false") if isinstance(v, bool) else v
                found.append({"columns": [[n, text(v)] for n, v in zip(chosen, value)], "rows": int(inside.sum()), "value": float(mean), "others": float(others), "p": float(p)})
    return {"columns": columns, "losses": losses.tolist(), "looked": looked, "found": [one for one in holm(found, looked) if one["p"] < 0.05]}


print(
    json.dumps(
        {
            "labels": [labels_case(200, 3, 0.1), labels_case(150, 2, 0.2), labels_case(120, 4, 0.15, absent=2), labels_case(120, 3, 0.1, ties=True), labels_case(60, 3, 0)],
            "slices": [slices_case(400, True), slices_case(400, False)],
        }
    )
)
