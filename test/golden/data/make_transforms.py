"""Reference numbers for the transforms, from scikit-learn and pandas. Run: python make_transforms.py > transforms.json"""
import json
import numpy as np
import pandas as pd
import sklearn
from sklearn.impute import SimpleImputer
from sklearn.pipeline import make_pipeline
from sklearn.compose import ColumnTransformer
from sklearn.impute import MissingIndicator
from sklearn.preprocessing import KBinsDiscretizer, MinMaxScaler, OneHotEncoder, OrdinalEncoder, PowerTransformer, QuantileTransformer, RobustScaler, StandardScaler

rng = np.random.default_rng(7)
train = np.round(np.concatenate([rng.normal(50, 12, 60), rng.exponential(9, 40)]), 4)
fresh = np.round(rng.normal(45, 30, 12), 4)
missing = train.copy()
missing[[3, 17, 44]] = np.nan
col = lambda v: np.asarray(v, dtype=float).reshape(-1, 1)
flat = lambda a: [float(x) for x in np.asarray(a).ravel()]
categories = [str(c) for c in rng.choice(["red", "green", "blue", "Äpfel"], 40)]
unseen = ["green", "violet", "red"]
frequent = ["b", "a", "b", "a", "c"]

tail = np.round(np.concatenate([np.random.default_rng(8).lognormal(3, 1.5, 150), -np.random.default_rng(9).lognormal(1, 1, 50), np.zeros(20)]), 3)
tail_fresh = np.round(np.random.default_rng(10).lognormal(2, 2, 12) - 3, 3)
tail_fresh[:3] = [0, tail.max() * 3, tail.min() * 3]
power = PowerTransformer(method="yeo-johnson").fit(col(tail))
near = [0.3, 0.1 + 0.2, 0.3, 0.1 + 0.2, 0.3, 0.3]
near_spread = [1e6, 1e6 + 1e-3, 1e6 + 2e-3, 1e6 + 3e-3, 1e6, 1e6 + 1e-3]
moments = pd.to_datetime(["2024-02-29T00:00:00", "2023-12-31T23:59:00", "2024-07-04T12:30:00", "2022-01-03T06:15:30", "2025-11-11T11:11:11"])
cut = lambda low, high, now: (now - low) / (high - low)
year_phase = [cut(pd.Timestamp(t.year, 1, 1), pd.Timestamp(t.year + 1, 1, 1), t) for t in moments]
day_phase = [cut(t.normalize(), t.normalize() + pd.Timedelta(days=1), t) for t in moments]
date_parts = np.column_stack([moments.year, moments.month, moments.day, moments.day_of_week + 1, moments.hour, moments.minute, (moments - pd.Timestamp(0)) / pd.Timedelta(days=1)])
marked = ColumnTransformer([("value", make_pipeline(SimpleImputer(strategy="median"), StandardScaler()), [0]), ("missing", MissingIndicator(), [0])])

out = {
    "versions": {"scikit-learn": sklearn.__version__, "pandas": pd.__version__},
    "train": flat(train),
    "fresh": flat(fresh),
    "missing": [None if np.isnan(x) else float(x) for x in missing],
    "categories": categories,
    "unseen": unseen,
    "standardize": flat(StandardScaler().fit(col(train)).transform(col(fresh))),
    "minMax": flat(MinMaxScaler().fit(col(train)).transform(col(fresh))),
    "minMaxWide": flat(MinMaxScaler(feature_range=(-1, 1)).fit(col(train)).transform(col(fresh))),
    "robust": flat(RobustScaler().fit(col(train)).transform(col(fresh))),
    "log1p": flat(np.log1p(np.abs(fresh))),
    "imputeMean": float(SimpleImputer(strategy="mean").fit(col(missing)).statistics_[0]),
    "imputeMedian": float(SimpleImputer(strategy="median").fit(col(missing)).statistics_[0]),
    "imputeMostFrequent": str(SimpleImputer(strategy="most_frequent").fit(np.array(frequent, dtype=object).reshape(-1, 1)).statistics_[0]),
    "frequent": frequent,
    "oneHot": flat(OneHotEncoder(handle_unknown="ignore", sparse_output=False).fit(np.array(categories).reshape(-1, 1)).transform(np.array(unseen).reshape(-1, 1))),
    "oneHotCategories": [str(c) for c in OneHotEncoder().fit(np.array(categories).reshape(-1, 1)).categories_[0]],
    "ordinal": flat(OrdinalEncoder().fit(np.array(categories).reshape(-1, 1)).transform(np.array(["green", "red", "blue"]).reshape(-1, 1))),
    "quantileBins": flat(KBinsDiscretizer(n_bins=5, encode="ordinal", strategy="quantile", quantile_method="linear").fit(col(train)).transform(col(fresh))),
    "widthBins": flat(KBinsDiscretizer(n_bins=5, encode="ordinal", strategy="uniform").fit(col(train)).transform(col(fresh))),
    "tail": flat(tail),
    "tailFresh": flat(tail_fresh),
    "yeoJohnsonLambda": float(power.lambdas_[0]),
    "yeoJohnson": flat(power.transform(col(tail_fresh))),
    "yeoJohnsonPlain": flat(PowerTransformer(method="yeo-johnson", standardize=False).fit(col(tail)).transform(col(tail_fresh))),
    "quantileNormal": flat(QuantileTransformer(n_quantiles=1000, output_distribution="normal", subsample=None).fit(col(tail)).transform(col(tail_fresh))),
    "quantileUniform": flat(QuantileTransformer(n_quantiles=50, output_distribution="uniform", subsample=None).fit(col(tail)).transform(col(tail_fresh))),
    "near": near,
    "nearStandardize": flat(StandardScaler().fit(col(near)).transform(col(near))),
    "nearMinMax": flat(MinMaxScaler().fit(col(near)).transform(col(near))),
    "nearRobust": flat(RobustScaler().fit(col(near)).transform(col(near))),
    "nearSpread": near_spread,
    "nearSpreadStandardize": flat(StandardScaler().fit(col(near_spread)).transform(col(near_spread))),
    "nearSpreadMinMax": flat(MinMaxScaler().fit(col(near_spread)).transform(col(near_spread))),
    "nearSpreadRobust": flat(RobustScaler().fit(col(near_spread)).transform(col(near_spread))),
    "marked": flat(marked.fit(col(missing)).transform(col(missing))),
    "moments": [t.isoformat() + "Z" for t in moments],
    "dateParts": flat(date_parts),
    "datePartsScaled": flat(StandardScaler().fit_transform(date_parts)),
    "cycles": flat(np.column_stack([np.sin(2 * np.pi * np.array(year_phase)), np.cos(2 * np.pi * np.array(year_phase)), np.sin(2 * np.pi * np.array(day_phase)), np.cos(2 * np.pi * np.array(day_phase))])),
    "profile": {
        "mean": float(pd.Series(train).mean()),
        "std": float(pd.Series(train).std(ddof=0)),
        "deciles": flat(pd.Series(train).quantile(np.linspace(0, 1, 11))),
        "counts": [int(c) for c in np.histogram(train, pd.Series(train).quantile(np.linspace(0, 1, 11)).to_numpy())[0]],
    },
}
print(json.dumps(out, indent=1))
