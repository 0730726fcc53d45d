"""Writes estimated.json: what NannyML's confidence-based performance estimation says of a data set that it ships.
Usage: pip install nannyml; python make_estimated.py"""
import json
import os
import pathlib

os.environ["NML_DISABLE_USAGE_LOGGING"] = "1"

import nannyml as nml  # noqa: E402
import numpy as np  # noqa: E402
from nannyml.calibration import NoopCalibrator  # noqa: E402
from sklearn.isotonic import IsotonicRegression  # noqa: E402

reference, analysis, targets = nml.load_synthetic_binary_classification_dataset()
reference = reference.head(4000).reset_index(drop=True)
rows = 1000
analysis = analysis.iloc[::10].head(5 * rows).reset_index(drop=True)
joined = analysis.merge(targets, on="id")


def estimates(**options):
    estimator = nml.CBPE(
        y_pred="y_pred", y_pred_proba="y_pred_proba", y_true="work_home_actual", metrics=["accuracy"], problem_type="classification_binary", chunk_size=rows, **options
    )
    estimator.fit(reference)
    found = estimator.estimate(analysis).filter(period="analysis").to_df()
    return [float(value) for value in found[("accuracy", "value")]], bool(getattr(estimator, "needs_calibration", False))


plain, _ = estimates(calibrator=NoopCalibrator())
own, needed = estimates()
curve = IsotonicRegression(out_of_bounds="clip", increasing=True).fit(reference.y_pred_proba, reference.work_home_actual)
isotonic = [float(np.mean(np.where(chunk.y_pred == 1, curve.predict(chunk.y_pred_proba), 1 - curve.predict(chunk.y_pred_proba)))) for _, chunk in analysis.groupby(analysis.index // rows)]
out = {
    "madeBy": f"nannyml {nml.__version__}",
    "rows": rows,
    "reference": {"proba": [round(float(p), 6) for p in reference.y_pred_proba], "truth": [int(t) for t in reference.work_home_actual]},
    "analysis": {"proba": [round(float(p), 6) for p in analysis.y_pred_proba], "answered": [int(p) for p in analysis.y_pred]},
    "asTheyAre": plain,
    # NannyML asks by itself whether probabilities need to be calibrated.
    "nannyml": {"accuracy": own, "calibrated": needed},
    "isotonic": isotonic,
    "realized": [float((chunk.y_pred == chunk.work_home_actual).mean()) for _, chunk in joined.groupby(joined.index // rows)],
}
pathlib.Path(__file__).with_name("estimated.json").write_text(json.dumps(out))
