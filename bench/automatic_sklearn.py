"""What a competent user writes for the tables of automatic-tables.ts, and the network that learns from it and from ready-made features.

    python automatic_sklearn.py TABLE FOLDER WAY...

FOLDER holds table.csv and, for each WAY, raw float32 features and int32 labels of the splits. Prints ROC-AUC on the test rows."""
import json
import sys
import warnings
import numpy as np
import pandas as pd
from sklearn.compose import ColumnTransformer
from sklearn.exceptions import ConvergenceWarning
from sklearn.impute import SimpleImputer
from sklearn.metrics import roc_auc_score
from sklearn.neural_network import MLPClassifier
from sklearn.pipeline import make_pipeline
from sklearn.preprocessing import FunctionTransformer, OneHotEncoder, StandardScaler

warnings.simplefilter("ignore", ConvergenceWarning)
table, folder, *ways = sys.argv[1:]


def cycle(angle):
    return [np.sin(2 * np.pi * angle), np.cos(2 * np.pi * angle)]


def dates(frame):
    """Linear time, season, weekday and hour."""
    unknown = frame.iloc[:, 0].isna().astype(float)
    time = pd.to_datetime(frame.iloc[:, 0])
    time = time.fillna(time.median())
    linear = (time - pd.Timestamp("2020-01-01")).dt.total_seconds() / 86_400 / 365.25
    hour = time.dt.hour + time.dt.minute / 60
    weekdays = [(time.dt.dayofweek == day).astype(float) for day in range(7)]
    return np.column_stack([unknown, linear, *cycle(time.dt.dayofyear / 365.25), *cycle(hour / 24), *weekdays])


plain = lambda: make_pipeline(SimpleImputer(strategy="median", add_indicator=True), StandardScaler())
money = lambda: make_pipeline(SimpleImputer(strategy="median", add_indicator=True), FunctionTransformer(lambda x: np.sign(x) * np.log1p(np.abs(x))), StandardScaler())
clipped = lambda low, high: make_pipeline(SimpleImputer(strategy="median", add_indicator=True), FunctionTransformer(lambda x: np.clip(x, low, high)), StandardScaler())
names = lambda: make_pipeline(FunctionTransformer(lambda x: x.astype(object).where(x.notna(), "missing").astype(str)), OneHotEncoder(handle_unknown="ignore", min_frequency=3, sparse_output=False))
times = lambda: make_pipeline(FunctionTransformer(dates), StandardScaler())

BY_HAND = {
    "census": [(plain(), ["age", "hours"]), (money(), ["wealth", "gain"]), (names(), ["education", "occupation", "employer", "country", "sector", "sex", "member"]), (times(), ["joined"])],
    "credit": [(plain(), ["accounts", "late"]), (money(), ["income", "debt", "used", "employed_years"]), (names(), ["purpose", "merchant", "region", "phone"]), (times(), ["asked"])],
    "plant": [(plain(), ["temperature", "pressure"]), (clipped(-10, 10), ["vibration"]), (clipped(0, 25), ["current"]), (money(), ["cycles", "leak"]), (names(), ["product", "operator", "firmware", "code"]), (times(), ["at"])],
    "shop": [(plain(), ["visits", "north", "east", "discount"]), (money(), ["spent", "refunds"]), (names(), ["zone", "device", "coupon", "rating"]), (times(), ["born"]), (times(), ["last"])],
}


def score(train, train_label, test, test_label):
    scores = []
    for seed in range(3):
        net = MLPClassifier((64, 32), batch_size=128, alpha=1e-3, learning_rate_init=1e-3, early_stopping=True, n_iter_no_change=6, max_iter=40, random_state=seed).fit(train, train_label)
        scores.append(roc_auc_score(test_label, net.predict_proba(test)[:, 1]))
    return round(float(np.mean(scores)), 4)


frame = pd.read_csv(f"{folder}/table.csv")
of = lambda split: frame[frame.part == split]
pipeline = ColumnTransformer([(str(at), step, columns) for at, (step, columns) in enumerate(BY_HAND[table])])
train = np.asarray(pipeline.fit_transform(of("train")), dtype=np.float32)
test = np.asarray(pipeline.transform(of("test")), dtype=np.float32)
out = {"byHand": score(train, of("train").label, test, of("test").label), "byHandWidth": train.shape[1]}
for way in ways:
    label = {split: np.fromfile(f"{folder}/{way}/{split}.label", dtype=np.int32) for split in ("train", "test")}
    features = {split: np.fromfile(f"{folder}/{way}/{split}.features", dtype=np.float32).reshape(len(label[split]), -1) for split in label}
    out[way] = score(features["train"], label["train"], features["test"], label["test"])
    out[f"{way}Width"] = features["train"].shape[1]
print(json.dumps(out))
