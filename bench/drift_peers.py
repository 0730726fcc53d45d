"""The defaults of Evidently and NannyML on the streams of drift-policy.ts. Usage: drift_peers.py STREAMS.ndjson OUT.json

"anyColumn": the first window in which they call any column drifted. Evidently's "dataset" verdict (half of the columns) is told beside
it. NannyML's thresholds come from the chunks of its reference, here the 2,000 training rows in chunks of the size of a window where there
are at least two, else its default.
"""
import json
import os
import sys
import warnings

import numpy as np
import pandas as pd

warnings.filterwarnings("ignore")
os.environ["NML_DISABLE_USAGE_LOGGING"] = "1"
os.environ["DO_NOT_TRACK"] = "1"


def frame(names, columns, rng):
    """Counts of categories become rows in random order."""
    out = {}
    for name, values in zip(names, columns):
        if name.startswith("number"):
            out[name] = np.array(values)
        else:
            rows = np.repeat([f"c{i}" for i in range(len(values))], np.array(values, dtype=int))
            rng.shuffle(rows)
            out[name] = rows
    return pd.DataFrame(out)


def evidently(reference, days):
    from evidently import DataDefinition, Dataset, Report
    from evidently.presets import DataDriftPreset

    definition = DataDefinition(
        numerical_columns=[n for n in reference if n.startswith("number")],
        categorical_columns=[n for n in reference if not n.startswith("number")],
    )
    then = Dataset.from_pandas(reference, data_definition=definition)
    any_column, dataset = 0, 0
    for day, now in enumerate(days, 1):
        result = Report([DataDriftPreset()]).run(Dataset.from_pandas(now, data_definition=definition), then).dict()
        counted = next(m for m in result["metrics"] if "DriftedColumnsCount" in m["metric_name"])["value"]
        if counted["count"] > 0 and any_column == 0:
            any_column = day
        if counted["share"] >= 0.5 and dataset == 0:
            dataset = day
        if any_column and dataset:
            break
    return {"anyColumn": any_column, "dataset": dataset}


def nannyml(reference, days):
    import nannyml as nml

    rows = len(days[0])
    names = list(reference)
    calculator = nml.UnivariateDriftCalculator(
        column_names=names,
        treat_as_categorical=[n for n in names if not n.startswith("number")],
        **({"chunk_size": rows} if len(reference) >= 2 * rows else {}),
    )
    calculator.fit(reference)
    found = calculator.calculate(pd.concat(days, ignore_index=True)).filter(period="analysis").to_df()
    alerts = found[[c for c in found.columns if c[-1] == "alert"]].any(axis=1).to_numpy()
    # Chunks of another size are counted in windows.
    return {"anyColumn": int((np.argmax(alerts) + 1) * len(days) / len(alerts) + 0.999) if alerts.any() else 0}


peers = {}
for name, look in (("evidently", evidently), ("nannyml", nannyml)):
    try:
        __import__(name)
        peers[name] = look
    except ImportError as error:
        print(f"{name} is left out: {error}", file=sys.stderr)

rng = np.random.default_rng(0)
gathered = {}
for line in open(sys.argv[1]):
    given = json.loads(line)
    reference = frame(given["names"], given["reference"], rng)
    days = [frame(given["names"], day, rng) for day in given["days"]]
    for name, look in peers.items():
        for verdict, day in look(reference, days).items():
            gathered.setdefault((name, verdict, given["scene"], given["rows"]), []).append(day)

report = [
    {"peer": peer, "verdict": verdict, "scene": scene, "rows": rows, "streams": len(found), "alarmed": float(np.mean([day > 0 for day in found]))}
    for (peer, verdict, scene, rows), found in gathered.items()
]
json.dump(report, open(sys.argv[2], "w"))
