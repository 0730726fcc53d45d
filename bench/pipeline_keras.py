"""The tasks of bench/pipeline.ts by hand, with scikit-learn and Keras.

    python pipeline_keras.py data FOLDER       writes table.csv, and digits as images with digits.csv that names them
    python pipeline_keras.py table FOLDER      preprocesses, trains ten epochs, and prints JSON with the quality on the test rows
    python pipeline_keras.py digits FOLDER
"""
import json
import os
import pathlib
import sys

os.environ["TF_CPP_MIN_LOG_LEVEL"] = "3"
import numpy as np
import pandas as pd

task, folder, seed = sys.argv[1], pathlib.Path(sys.argv[2]), int(sys.argv[3]) if len(sys.argv) > 3 else 0
SPLITS = np.array(["train", "validation", "test"])
NUMBERS = ["age", "wealth", "education_years", "gain", "loss", "hours"]
CATEGORIES = {"work": 8, "education": 16, "marital": 7, "occupation": 14, "relation": 6, "group": 5, "sex": 2, "country": 41}


def write_table():
    """32,561 rows like those of a census: six numbers, eight categories, missing values, and a label that a quarter of the rows have."""
    rows, random = 32_561, np.random.default_rng(7)
    table = {
        "age": random.gamma(6, 6.5, rows).clip(17, 90).astype(int),
        "wealth": np.exp(random.normal(12, 0.5, rows)).astype(int),
        "education_years": random.normal(10, 2.6, rows).round().clip(1, 16).astype(int),
        "gain": np.where(random.random(rows) < 0.085, np.exp(random.normal(8.5, 1, rows)), 0).astype(int),
        "loss": np.where(random.random(rows) < 0.047, random.normal(1_870, 360, rows), 0).clip(0).astype(int),
        "hours": random.normal(40, 12, rows).clip(1, 99).astype(int),
    }
    score = -2.3 + 0.035 * (table["age"] - 38) - 0.0006 * (table["age"] - 48) ** 2 + 0.32 * (table["education_years"] - 10)
    score = score + 0.0002 * table["gain"].clip(0, 15_000) + 0.0003 * table["loss"] + 0.03 * (table["hours"] - 40)
    codes = {}
    for name, count in CATEGORIES.items():
        shares = 0.7 ** np.arange(count)
        codes[name] = random.choice(count, rows, p=shares / shares.sum())
        score = score + random.normal(0, 0.7 if name in ("occupation", "marital", "relation") else 0.25, count)[codes[name]]
    frame = pd.DataFrame({**table, **{name: [f"{name}-{code}" for code in values] for name, values in codes.items()}}).astype({"hours": object, "work": object, "occupation": object})
    for name in ("work", "occupation", "hours"):
        frame.loc[random.random(rows) < 0.07, name] = None
    frame["income"] = np.where(random.random(rows) < 1 / (1 + np.exp(-score)), "high", "low")
    frame["split"] = random.choice(SPLITS, rows, p=[0.7, 0.1, 0.2])
    frame.to_csv(folder / "table.csv", index=False)


def write_digits():
    from PIL import Image
    from sklearn.datasets import load_digits

    data, rows = load_digits(), []
    for index, (image, label) in enumerate(zip(data.images, data.target)):
        path = folder / "digits" / str(label) / f"{index:04d}.png"
        path.parent.mkdir(parents=True, exist_ok=True)
        Image.fromarray((image * 255 / 16).round().astype("uint8")).save(path)
        rows.append((str(path), int(label)))
    frame = pd.DataFrame(rows, columns=["path", "label"])
    frame["split"] = np.random.default_rng(0).choice(SPLITS, len(frame), p=[0.7, 0.1, 0.2])
    frame.to_csv(folder / "digits.csv", index=False)


def table_by_hand(layers):
    from sklearn.compose import ColumnTransformer
    from sklearn.impute import SimpleImputer
    from sklearn.pipeline import make_pipeline
    from sklearn.preprocessing import OneHotEncoder, StandardScaler

    frame = pd.read_csv(folder / "table.csv")
    names = list(CATEGORIES)
    frame[names] = frame[names].astype(object).where(frame[names].notna(), "missing")
    transform = ColumnTransformer([("numbers", make_pipeline(SimpleImputer(strategy="median"), StandardScaler()), NUMBERS), ("categories", OneHotEncoder(sparse_output=False, handle_unknown="ignore"), names)])
    transform.fit(frame[frame.split == "train"])
    x, y = transform.transform(frame).astype("float32"), (frame.income == "low").to_numpy("float32")
    return frame.split.to_numpy(), x, y, 256, [layers.Dense(64, "relu"), layers.Dense(64, "relu"), layers.Dense(1, "sigmoid")], "binary_crossentropy"


def digits_by_hand(layers):
    from PIL import Image

    frame = pd.read_csv(folder / "digits.csv")
    x = np.stack([np.asarray(Image.open(path), "float32")[..., None] / 255 for path in frame.path])
    model = [layers.Conv2D(32, 3, padding="same", activation="relu"), layers.Conv2D(64, 3, padding="same", activation="relu"), layers.MaxPooling2D(2), layers.Flatten(), layers.Dense(64, "relu"), layers.Dropout(0.25), layers.Dense(10, "softmax")]
    return frame.split.to_numpy(), x, frame.label.to_numpy("int32"), 64, model, "sparse_categorical_crossentropy"


if task == "data":
    folder.mkdir(parents=True, exist_ok=True)
    write_table()
    write_digits()
    print("{}")
else:
    import keras
    from sklearn.metrics import roc_auc_score

    keras.utils.set_random_seed(seed)
    split, x, y, batch, layers, loss = (table_by_hand if task == "table" else digits_by_hand)(keras.layers)
    model = keras.Sequential([keras.Input(x.shape[1:]), *layers])
    model.compile("adam", loss, jit_compile=False)
    train, validation, test = (split == name for name in SPLITS)
    model.fit(x[train], y[train], batch_size=batch, epochs=10, validation_data=(x[validation], y[validation]), verbose=0)
    p = model.predict(x[test], verbose=0)
    if task == "table":
        print(json.dumps({"rocAuc": float(roc_auc_score(y[test], p[:, 0])), "accuracy": float(((p[:, 0] > 0.5) == y[test]).mean())}))
    else:
        print(json.dumps({"accuracy": float((p.argmax(1) == y[test]).mean())}))
