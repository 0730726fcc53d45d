"""Writes transfer.json: training of a small network in Keras 3 with frozen layers and a learning rate per layer.

    python3 -m venv v && v/bin/pip install tensorflow-cpu==2.21.0 && v/bin/python test/golden/training/make_transfer.py
"""
import json
import os
import pathlib

os.environ["TF_CPP_MIN_LOG_LEVEL"] = "3"
os.environ["TF_ENABLE_ONEDNN_OPTS"] = "0"
import keras  # noqa: E402
import numpy as np  # noqa: E402
import tensorflow as tf  # noqa: E402

HERE = pathlib.Path(__file__).parent
rng = np.random.default_rng(20260301)
L = keras.layers
ROWS, WIDTH, CLASSES, STEPS = 8, 5, 3, 10


def flat(array):
    return {"shape": list(np.shape(array)), "values": [float(value) for value in np.ravel(array)]}


def network():
    return keras.Sequential([
        keras.Input((WIDTH,), name="features"),
        L.Dense(6, activation="tanh", name="first", kernel_regularizer=keras.regularizers.L2(0.01)),
        L.BatchNormalization(name="norm"),
        L.Dense(4, activation="relu", name="second"),
        L.Dense(CLASSES, activation="softmax", name="output"),
    ])


START = [(rng.normal(size=w.shape) * 0.5 + (1.0 if "variance" in w.path or "gamma" in w.path else 0.0)).astype("float32") for w in network().weights]
START = [np.abs(v) + 0.2 if i == 5 else v for i, v in enumerate(START)]
BATCHES = [(rng.normal(size=(ROWS, WIDTH)).astype("float32"), rng.integers(0, CLASSES, size=ROWS).astype("int32")) for _ in range(STEPS)]


def train(title, optimizer, config, frozen, at=None, factors=None, statistics=()):
    """Each layer has an optimizer of its own, so that each can have its learning rate and its own beginning."""
    model = network()
    model.set_weights(START)
    names = ["first", "norm", "second", "output"]
    for name in names:
        model.get_layer(name).trainable = name not in frozen
    at, factors = at or {}, factors or {}
    rate = config["learningRate"]
    optimizers = {name: optimizer(rate * factors.get(name, 1.0)) for name in names}
    losses, weights = [], []
    for step, (x, y) in enumerate(BATCHES):
        with tf.GradientTape() as tape:
            # A layer that rests for a while is trainable for Keras; what rests is its optimizer.
            value = x
            for layer in model.layers:
                inference = layer.name in statistics
                value = layer(value, training=not inference) if layer.name == "norm" else layer(value)
            loss = tf.reduce_mean(keras.losses.sparse_categorical_crossentropy(y, value)) + sum(model.losses)
        trained = [name for name in names if name not in frozen]
        variables = [w for name in trained for w in model.get_layer(name).trainable_weights]
        gradients = dict(zip([w.path for w in variables], tape.gradient(loss, [w.value for w in variables])))
        for name in trained:
            own = model.get_layer(name).trainable_weights
            if step >= at.get(name, 0):
                optimizers[name].apply([gradients[w.path] for w in own], own)
        losses.append(float(loss))
        weights.append([flat(w) for w in model.get_weights()])
    return {"title": title, "optimizer": config, "frozen": frozen, "at": at, "factors": factors, "statistics": list(statistics), "losses": losses, "weights": weights[-1]}


sgd = {"name": "sgd", "learningRate": 0.1, "momentum": 0.9}
adam = {"name": "adam", "learningRate": 0.02}
make_sgd = lambda rate: keras.optimizers.SGD(rate, momentum=0.9)  # noqa: E731
make_adam = lambda rate: keras.optimizers.Adam(rate)  # noqa: E731

cases = [
    train("nothing is frozen", make_sgd, sgd, []),
    train("frozen first layer and normalization", make_sgd, sgd, ["first", "norm"]),
    train("frozen first layer and normalization, Adam", make_adam, adam, ["first", "norm"]),
    train("a learning rate per layer", make_sgd, sgd, [], factors={"first": 0.1, "second": 0.5}),
    train("a learning rate per layer, Adam, frozen normalization", make_adam, adam, ["norm"], factors={"first": 0.1, "output": 2.0}),
    train("unfrozen after four updates, Adam", make_adam, adam, [], at={"first": 4, "norm": 4}, factors={"first": 0.25}, statistics=["norm"]),
]
out = {
    "inputs": [flat(x) for x, _ in BATCHES], "labels": [[int(v) for v in y] for _, y in BATCHES],
    "start": [flat(v) for v in START], "weightNames": [w.path for w in network().weights], "cases": cases,
}
(HERE / "transfer.json").write_text(json.dumps(out))
print([w.path for w in network().weights], [(c["title"], c["losses"][-1]) for c in cases])
