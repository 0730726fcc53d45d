"""What scikit-learn's cross-validation gives for a linear model whose scaling is learnt anew in every fold: folds.csv and folds.json.

python make_folds.py, with scikit-learn; deterministic.
"""

import csv
import json
import pathlib

import numpy as np
from sklearn.linear_model import LinearRegression
from sklearn.model_selection import TimeSeriesSplit, cross_validate
from sklearn.pipeline import make_pipeline
from sklearn.preprocessing import StandardScaler

here = pathlib.Path(__file__).parent
random = np.random.default_rng(7)
rows = 64
# Inputs that drift: statistics of all rows are not those of the first.
x1 = np.round(random.normal(3, 2, rows) + np.linspace(0, 4, rows), 3)
x2 = np.round(random.normal(-100, 40, rows) - np.linspace(0, 80, rows), 2)
y = np.round(2 * x1 - 0.05 * x2 + random.normal(0, 1.5, rows), 3)
days = [f"2024-{1 + at // 28:02d}-{1 + at % 28:02d}" for at in range(rows)]
with open(here / "folds.csv", "w", newline="") as file:
    writer = csv.writer(file, lineterminator="\n")
    writer.writerow(["day", "x1", "x2", "y"])
    writer.writerows(zip(days, x1, x2, y))

model = make_pipeline(StandardScaler(), LinearRegression())
found = cross_validate(
    model,
    np.column_stack([x1, x2]),
    y,
    cv=TimeSeriesSplit(3),
    scoring={"meanAbsoluteError": "neg_mean_absolute_error", "r2": "r2"},
)
scores = {"meanAbsoluteError": (-found["test_meanAbsoluteError"]).tolist(), "r2": found["test_r2"].tolist()}
result = {
    name: {"scores": own, "mean": float(np.mean(own)), "deviation": float(np.std(own))} for name, own in scores.items()
}
(here / "folds.json").write_text(json.dumps(result, indent=2) + "\n")
