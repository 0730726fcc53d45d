"""Writes models as Keras 3 and tf_keras save them, with what they predict: keras-files/.

    python make_keras_files.py        (needs keras, tf_keras and tensorflow)
"""
import json
import os
import pathlib

os.environ["TF_CPP_MIN_LOG_LEVEL"] = "3"
import keras
import numpy as np
import tf_keras

FOLDER = pathlib.Path(__file__).parent / "keras-files"
FOLDER.mkdir(exist_ok=True)
random = np.random.default_rng(5)
CASES = []


def image_model(k):
    L = k.layers
    return k.Sequential([
        L.Input((8, 8, 2), name="image") if k is keras else L.InputLayer((8, 8, 2), name="image"),
        L.Conv2D(3, 3, padding="same", activation="relu", name="conv"), L.BatchNormalization(name="norm"), L.SeparableConv2D(4, 3, strides=2, name="separable"),
        L.MaxPooling2D(2, name="pool"), L.Flatten(name="flat"), L.Dropout(0.3, name="drop"), L.Dense(3, activation="softmax", name="output"),
    ])


def text_model(k):
    L = k.layers
    tokens = k.Input((6,), dtype="int32", name="text")
    numbers = k.Input((4,), name="numbers")
    x = L.Embedding(11, 5, mask_zero=True, name="embedding")(tokens)
    x = L.Bidirectional(L.LSTM(3, return_sequences=True), name="both")(x)
    x = L.GRU(4, name="gru")(x)
    x = L.Concatenate(name="joined")([x, L.Dense(3, activation="tanh", name="dense")(numbers)])
    return k.Model([tokens, numbers], L.Dense(1, activation="sigmoid", name="output")(x))


def values(array):
    return {"shape": list(array.shape), "values": [float(f"{value:.7g}") for value in np.asarray(array, "float64").ravel()]}


for name, make, inputs in [
    ("image", image_model, {"image": random.normal(size=(3, 8, 8, 2)).astype("float32")}),
    ("text", text_model, {"text": random.integers(0, 11, size=(3, 6)).astype("int32"), "numbers": random.normal(size=(3, 4)).astype("float32")}),
]:
    for library, k, endings in [("keras3", keras, ["h5", "keras"]), ("tf_keras", tf_keras, ["h5"])]:
        k.utils.set_random_seed(3)
        model = make(k)
        for layer in model.layers:
            if "BatchNormalization" in type(layer).__name__:
                layer.set_weights([random.uniform(0.5, 1.5, size=weight.shape) for weight in layer.get_weights()])
        output = np.asarray(model(list(inputs.values()) if len(inputs) > 1 else next(iter(inputs.values())), training=False))
        for ending in endings:
            file = f"{name}-{library}.{ending}"
            model.save(FOLDER / file)
            CASES.append({"file": file, "inputs": {key: values(array) for key, array in inputs.items()}, "output": values(output)})

(FOLDER / "predictions.json").write_text(json.dumps({"keras": keras.__version__, "tf_keras": tf_keras.__version__, "cases": CASES}) + "\n")
