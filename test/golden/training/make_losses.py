"""Writes more_losses.json and schedules.json: what Keras 3 and PyTorch's formulas give, for the tests to agree with.

    python3 -m venv v && v/bin/pip install tensorflow-cpu==2.21.0 && v/bin/python test/golden/training/make_losses.py
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
rng = np.random.default_rng(20260202)


def flat(array):
    return {"shape": list(np.shape(array)), "values": [float(value) for value in np.ravel(array)]}


def write(name, cases):
    meta = {"keras": keras.__version__, "tensorflow": tf.__version__, "cases": cases}
    (HERE / name).write_text(json.dumps(meta, separators=(",", ":")).replace('},{"', '},\n{"') + "\n")


def losses():
    X = keras.losses
    n = 6
    cases = []

    def add(name, config, loss, labels, predictions, from_logits=False, keras_labels=None):
        truth = labels if keras_labels is None else keras_labels
        with tf.GradientTape() as tape:
            variable = tf.constant(predictions.astype("float32"))
            tape.watch(variable)
            values = loss(tf.constant(truth), variable)
            total = tf.reduce_mean(values)
        gradient = tape.gradient(total, variable)
        cases.append({"name": name, "config": config, "fromLogits": from_logits, "labels": flat(labels), "predictions": flat(predictions.astype("float32")), "values": [float(v) for v in np.ravel(values.numpy())], "gradient": flat(gradient.numpy())})

    logits = rng.normal(size=(n, 4)) * 2
    shares = np.exp(logits) / np.exp(logits).sum(-1, keepdims=True)
    index = rng.integers(0, 4, size=n).astype("int32")
    hot = np.eye(4, dtype="float32")[index]
    for own, theirs in [({}, {}), ({"alpha": 1, "gamma": 3.5, "labelSmoothing": 0.1}, {"alpha": 1.0, "gamma": 3.5, "label_smoothing": 0.1})]:
        add("categoricalFocalCrossentropy", own, X.CategoricalFocalCrossentropy(**theirs, reduction=None), index, shares, keras_labels=hot)
        add("categoricalFocalCrossentropy", own, X.CategoricalFocalCrossentropy(**theirs, from_logits=True, reduction=None), index, logits, True, keras_labels=hot)
    add("categoricalHinge", {}, X.CategoricalHinge(reduction=None), index, shares, keras_labels=hot)
    add("categoricalHinge", {}, X.CategoricalHinge(reduction=None), index, logits, True, keras_labels=hot)
    for smoothing in [0.0, 0.1]:
        smoothed = (hot * (1 - smoothing) + smoothing / 4).astype("float32")
        add("klDivergence", {"labelSmoothing": smoothing}, X.KLDivergence(reduction=None), index, shares, keras_labels=smoothed)
        add("cosineSimilarity", {"labelSmoothing": smoothing}, X.CosineSimilarity(reduction=None), index, shares, keras_labels=smoothed)
    binary = rng.integers(0, 2, size=(n, 1)).astype("float32")
    raw = rng.normal(size=(n, 1)) * 2
    for own, theirs in [({}, {}), ({"gamma": 3.5}, {"gamma": 3.5}), ({"classBalancing": True, "alpha": 0.75, "labelSmoothing": 0.2}, {"apply_class_balancing": True, "alpha": 0.75, "label_smoothing": 0.2})]:
        add("binaryFocalCrossentropy", own, X.BinaryFocalCrossentropy(**theirs, reduction=None), binary, 1 / (1 + np.exp(-raw)))
        add("binaryFocalCrossentropy", own, X.BinaryFocalCrossentropy(**theirs, from_logits=True, reduction=None), binary, raw, True)
    numbers = rng.normal(size=(n, 2)).astype("float32")
    guesses = numbers + rng.normal(size=(n, 2)) * 1.5
    add("meanAbsolutePercentageError", {}, X.MeanAbsolutePercentageError(reduction=None), numbers, guesses)
    add("meanSquaredLogarithmicError", {}, X.MeanSquaredLogarithmicError(reduction=None), np.abs(numbers) * 30, np.abs(guesses) * 20)
    write("more_losses.json", cases)


losses()


def optimizers():
    """More cases on the gradients of optimizers.json."""
    O = keras.optimizers
    [base] = json.loads((HERE / "optimizers.json").read_text())["cases"]
    shaped = lambda values: np.array(values["values"], dtype="float32").reshape(values["shape"])  # noqa: E731
    start = [shaped(values) for values in base["start"]]
    gradients = [[shaped(values) for values in step] for step in base["gradients"]]
    cases = []

    def add(name, config, optimizer):
        variables = [keras.Variable(values) for values in start]
        optimizer.build(variables)
        trajectory = []
        for step in gradients:
            optimizer.apply([tf.constant(values) for values in step], variables)
            trajectory.append([float(value) for variable in variables for value in np.ravel(variable.numpy())])
        cases.append({"name": name, "config": config, "trajectory": trajectory})

    add("lion", {}, O.Lion())
    add("lion", {"learningRate": 0.01, "beta1": 0.95, "beta2": 0.98, "weightDecay": 0.1}, O.Lion(0.01, beta_1=0.95, beta_2=0.98, weight_decay=0.1))
    add("sgd", {"weightDecay": 0.1, "momentum": 0.9}, O.SGD(momentum=0.9, weight_decay=0.1))
    add("rmsprop", {"weightDecay": 0.05}, O.RMSprop(weight_decay=0.05))
    add("adamW", {"weightDecay": 0.5, "amsgrad": True}, O.AdamW(weight_decay=0.5, amsgrad=True))
    add("nadam", {"beta2": 0.9, "epsilon": 0.001}, O.Nadam(beta_2=0.9, epsilon=0.001))
    write("more_optimizers.json", cases)


optimizers()


def schedules():
    """Shares of the learning rate at every fifth step of 20 epochs of 5 steps. One-cycle: the formula of PyTorch's OneCycleLR."""
    S = keras.optimizers.schedules
    total, per_epoch = 100, 5
    cases = []

    def add(config, shares):
        cases.append({"config": config, "shares": [float(shares(step)) for step in range(0, total, 3)]})

    add({"schedule": "exponential", "everyEpochs": 4, "factor": 0.7}, S.ExponentialDecay(1.0, 4 * per_epoch, 0.7))
    add({"schedule": "step", "everyEpochs": 3, "factor": 0.7}, S.ExponentialDecay(1.0, 3 * per_epoch, 0.7, staircase=True))
    add({"schedule": "cosine", "floor": 0.1}, S.CosineDecay(1.0, total, alpha=0.1))
    add({"schedule": "cosineRestarts", "everyEpochs": 3, "floor": 0.05}, S.CosineDecayRestarts(1.0, 3 * per_epoch, alpha=0.05))
    add({"schedule": "cosineRestarts", "everyEpochs": 2, "cycleFactor": 1.5, "peakFactor": 0.8}, S.CosineDecayRestarts(1.0, 2 * per_epoch, t_mul=1.5, m_mul=0.8))
    add({"schedule": "polynomial", "power": 1.5, "floor": 0.01}, S.PolynomialDecay(1.0, total, end_learning_rate=0.01, power=1.5))
    add({"schedule": "inverseTime", "everyEpochs": 2}, S.InverseTimeDecay(1.0, 2 * per_epoch, 1.0))
    # Keras changes one step later: "step <= boundary".
    add({"schedule": "piecewise", "boundaries": [4, 11], "factors": [1, 0.3, 0.05]}, S.PiecewiseConstantDecay([4 * per_epoch - 1, 11 * per_epoch - 1], [1.0, 0.3, 0.05]))

    def one_cycle(rise, start, floor):
        ends = [rise * total - 1, total - 1]
        anneal = lambda a, b, done: b + (a - b) / 2 * (1 + np.cos(np.pi * done))  # noqa: E731
        return lambda step: anneal(start, 1, step / ends[0]) if step <= ends[0] else anneal(1, floor, (step - ends[0]) / (ends[1] - ends[0]))

    add({"schedule": "oneCycle"}, one_cycle(0.3, 0.04, 0.0))
    add({"schedule": "oneCycle", "rise": 0.45, "start": 0.1, "floor": 0.001}, one_cycle(0.45, 0.1, 0.001))
    write("schedules.json", cases)


schedules()
