"""Writes direct-loss.json: what NannyML's direct loss estimation says of a data set that it ships (prices of cars).
Usage: pip install nannyml "scikit-learn<1.6" "category_encoders<2.7"; python make_direct_loss.py"""
import json
import os
import pathlib

os.environ["NML_DISABLE_USAGE_LOGGING"] = "1"

import nannyml as nml  # noqa: E402
import numpy as np  # noqa: E402
import pandas as pd  # noqa: E402

pd.set_option("future.infer_string", False)

FEATURES = ["car_age", "km_driven", "price_new", "accident_count", "door_count", "fuel", "transmission"]
rows = 1000
reference, analysis, targets = nml.load_synthetic_car_price_dataset()
reference = reference.iloc[::15].reset_index(drop=True)
# In the second half of the analysis the data are others than before.
analysis = analysis.merge(targets, on="id").iloc[::12].head(5 * rows).reset_index(drop=True)
estimator = nml.DLE(feature_column_names=FEATURES, y_pred="y_pred", y_true="y_true", metrics=["mae", "mse", "rmse"], chunk_size=rows)
estimator.fit(reference)
found = estimator.estimate(analysis.drop(columns="y_true")).filter(period="analysis").to_df()


def columns(table):
    return {name: [value if isinstance(value, str) else float(value) for value in table[name]] for name in [*FEATURES, "y_true", "y_pred"]}


def realized(chunk):
    error = (chunk.y_true - chunk.y_pred).to_numpy()
    return {"mae": float(np.abs(error).mean()), "mse": float((error**2).mean()), "rmse": float(np.sqrt((error**2).mean()))}


chunks = [chunk for _, chunk in analysis.groupby(analysis.index // rows)]
out = {
    "madeBy": f"nannyml {nml.__version__}",
    "rows": rows,
    "reference": columns(reference),
    "analysis": columns(analysis),
    "nannyml": [{name: float(found[(name, "value")].iloc[at]) for name in ("mae", "mse", "rmse")} for at in range(len(chunks))],
    "realized": [realized(chunk) for chunk in chunks],
    "onReference": realized(reference),
}
pathlib.Path(__file__).with_name("direct-loss.json").write_text(json.dumps(out).replace(".0,", ",").replace(".0]", "]"))
