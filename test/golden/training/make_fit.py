"""Writes fit.json: weights and their moving averages as Keras 3 trains them, with a momentum that changes from step to step.

    python3 -m venv v && v/bin/pip install tensorflow-cpu==2.21.0 && v/bin/python test/golden/training/make_fit.py
"""
import json
import os
import pathlib

os.environ["TF_CPP_MIN_LOG_LEVEL"] = "3"
os.environ["TF_ENABLE_ONEDNN_OPTS"] = "0"
import keras  # noqa: E402
import numpy as np  # noqa: E402
import tensorflow as tf  # noqa: E402

rng = np.random.default_rng(11)
STEPS, ROWS, WIDTH, CLASSES = 10, 8, 5, 3
batches = [(rng.normal(size=(ROWS, WIDTH)).astype("float32"), rng.integers(0, CLASSES, size=ROWS).astype("int32")) for _ in range(STEPS)]
shapes = [(WIDTH, 4), (4,), (4, CLASSES), (CLASSES,)]
start = [(rng.normal(size=shape) * 0.5).astype("float32") for shape in shapes]
momenta = [float(value) for value in np.round(np.linspace(0.95, 0.8, STEPS), 4)]


def flat(arrays):
    return [float(value) for array in arrays for value in np.ravel(array)]


def train(optimizer, key=None):
    model = keras.Sequential([keras.layers.Input((WIDTH,)), keras.layers.Dense(4, activation="tanh"), keras.layers.Dense(CLASSES, activation="softmax")])
    model.set_weights(start)
    loss = keras.losses.SparseCategoricalCrossentropy()
    weights, averages = [], []
    for step, (x, y) in enumerate(batches):
        if key is not None:
            setattr(optimizer, key, momenta[step])
        with tf.GradientTape() as tape:
            value = loss(y, model(x, training=True))
        optimizer.apply_gradients(zip(tape.gradient(value, model.trainable_variables), model.trainable_variables))
        weights.append(flat(model.get_weights()))
        if optimizer.use_ema:
            averages.append(flat([average.numpy() for average in optimizer._model_variables_moving_average]))
    return {"weights": weights, **({"averages": averages} if averages else {})}


O = keras.optimizers
cases = [
    {"optimizer": {"sgd": {"learningRate": 0.1, "momentum": 0.9}}, "ema": {"momentum": 0.9}, **train(O.SGD(0.1, momentum=0.9, use_ema=True, ema_momentum=0.9))},
    {"optimizer": {"adam": {"learningRate": 0.01}}, "ema": {"momentum": 0.99, "overwriteEvery": 3}, **train(O.Adam(0.01, use_ema=True, ema_momentum=0.99, ema_overwrite_frequency=3))},
    {"optimizer": {"sgd": {"learningRate": 0.1, "momentum": 0.9, "nesterov": True}}, "cycles": True, **train(O.SGD(0.1, momentum=0.9, nesterov=True), "momentum")},
    {"optimizer": {"adam": {"learningRate": 0.01}}, "cycles": True, **train(O.Adam(0.01), "beta_1")},
    {"optimizer": {"rmsprop": {"learningRate": 0.01, "momentum": 0.5}}, "cycles": True, **train(O.RMSprop(0.01, momentum=0.5), "momentum")},
]
golden = {
    "keras": keras.__version__, "tensorflow": tf.__version__, "momenta": momenta, "start": [flat([each]) for each in start],
    "batches": [{"x": flat([x]), "y": [int(each) for each in y]} for x, y in batches], "cases": cases,
}
path = pathlib.Path(__file__).parent / "fit.json"
path.write_text(json.dumps(golden, separators=(",", ":")).replace('},{"', '},\n{"') + "\n")
