"""Reference numbers for the transforms, from scikit-learn and pandas. Run: python make_transforms.py > transforms.json"""
import json
import numpy as np
import pandas as pd
import sklearn
from sklearn.impute import SimpleImputer
from sklearn.preprocessing import KBinsDiscretizer, MinMaxScaler, OneHotEncoder, OrdinalEncoder, RobustScaler, StandardScaler

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
    "profile": {
        "mean": float(pd.Series(train).mean()),
        "std": float(pd.Series(train).std(ddof=0)),
        "deciles": flat(pd.Series(train).quantile(np.linspace(0, 1, 11))),
        "counts": [int(c) for c in np.histogram(train, pd.Series(train).quantile(np.linspace(0, 1, 11)).to_numpy())[0]],
    },
}
print(json.dumps(out, indent=1))
