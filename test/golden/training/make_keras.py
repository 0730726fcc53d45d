"""Writes layers.json, optimizers.json and losses.json: what Keras 3 computes, for the tests to agree with.

    python3 -m venv v && v/bin/pip install tensorflow-cpu==2.21.0 && v/bin/python test/golden/training/make_keras.py
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
rng = np.random.default_rng(20260101)
L = keras.layers


def flat(array):
    return {"shape": list(np.shape(array)), "values": [float(value) for value in np.ravel(array)]}


def write(name, cases):
    meta = {"keras": keras.__version__, "tensorflow": tf.__version__, "cases": cases}
    (HERE / name).write_text(json.dumps(meta, separators=(",", ":")).replace('},{"', '},\n{"') + "\n")


def layer_case(kind, config, layer, shapes, integers_below=None, training=False, mask=None):
    if integers_below is None:
        inputs = [rng.normal(size=(3, *shape)).astype("float32") for shape in shapes]
    else:
        inputs = [rng.integers(0, integers_below, size=(3, *shape)).astype("int32") for shape in shapes]
    feed = [tf.constant(values) for values in inputs]
    arguments = {} if mask is None else {"mask": tf.constant(np.array(mask, dtype=bool))}
    call = lambda **more: layer(feed if len(feed) > 1 else feed[0], **more, **arguments)  # noqa: E731
    call()
    # Zero biases and unit factors hide mistakes.
    weights = [np.abs(rng.normal(size=w.shape)).astype("float32") + 0.1 if "variance" in w.path else (rng.normal(size=w.shape) * 0.5).astype("float32") for w in layer.weights]
    layer.set_weights(weights)
    output = call(training=True) if training else call()
    case = {"type": kind, "config": config, "inputs": [flat(values) for values in inputs], "weights": [flat(values) for values in weights], "training": training, "output": flat(output.numpy())}
    if training:
        case["weightsAfter"] = [flat(values) for values in layer.get_weights()]
    if mask is not None:
        case["mask"] = mask
    return case


def layers():
    cases = []

    def add(*args, **kwargs):
        cases.append(layer_case(*args, **kwargs))

    add("dense", {"units": 3}, L.Dense(3), [(5,)])
    add("dense", {"units": 3, "activation": "tanh", "useBias": False}, L.Dense(3, activation="tanh", use_bias=False), [(5,)])
    add("dense", {"units": 2, "activation": "softmax"}, L.Dense(2, activation="softmax"), [(4, 5)])
    names = {"leakyRelu": "leaky_relu", "hardSigmoid": "hard_sigmoid"}
    for name in ["linear", "relu", "relu6", "leakyRelu", "elu", "selu", "gelu", "sigmoid", "hardSigmoid", "tanh", "softmax", "softplus", "softsign", "silu", "mish", "exponential"]:
        add("activation", {"activation": name}, L.Activation(names.get(name, name)), [(7,)])
    add("embedding", {"inputDim": 7, "outputDim": 3}, L.Embedding(7, 3), [(4,)], integers_below=7)
    for padding in ["valid", "same", "causal"]:
        add("conv1d", {"filters": 4, "kernelSize": 3, "padding": padding, "activation": "relu"}, L.Conv1D(4, 3, padding=padding, activation="relu"), [(7, 3)])
    add("conv1d", {"filters": 4, "kernelSize": 2, "strides": 2, "padding": "same"}, L.Conv1D(4, 2, strides=2, padding="same"), [(7, 3)])
    for padding in ["valid", "same"]:
        add("conv2d", {"filters": 3, "kernelSize": 3, "padding": padding}, L.Conv2D(3, 3, padding=padding), [(6, 5, 2)])
        add("conv2d", {"filters": 3, "kernelSize": [2, 3], "strides": [2, 1], "padding": padding, "activation": "elu", "useBias": False}, L.Conv2D(3, (2, 3), strides=(2, 1), padding=padding, activation="elu", use_bias=False), [(6, 5, 2)])
        add("depthwiseConv2d", {"kernelSize": 3, "strides": 2, "depthMultiplier": 2, "padding": padding}, L.DepthwiseConv2D(3, strides=2, depth_multiplier=2, padding=padding), [(6, 5, 2)])
        add("separableConv2d", {"filters": 4, "kernelSize": 3, "depthMultiplier": 2, "padding": padding}, L.SeparableConv2D(4, 3, depth_multiplier=2, padding=padding), [(6, 5, 2)])
        add("maxPooling2d", {"poolSize": 2, "padding": padding}, L.MaxPooling2D(2, padding=padding), [(5, 6, 2)])
        add("averagePooling2d", {"poolSize": [2, 3], "strides": 2, "padding": padding}, L.AveragePooling2D((2, 3), strides=2, padding=padding), [(5, 6, 2)])
        add("maxPooling1d", {"poolSize": 3, "strides": 2, "padding": padding}, L.MaxPooling1D(3, strides=2, padding=padding), [(7, 2)])
        add("averagePooling1d", {"poolSize": 2, "padding": padding}, L.AveragePooling1D(2, padding=padding), [(7, 2)])
    add("globalMaxPooling1d", {}, L.GlobalMaxPooling1D(), [(5, 3)])
    add("globalAveragePooling1d", {}, L.GlobalAveragePooling1D(), [(5, 3)])
    add("globalMaxPooling2d", {}, L.GlobalMaxPooling2D(), [(4, 5, 3)])
    add("globalAveragePooling2d", {}, L.GlobalAveragePooling2D(), [(4, 5, 3)])
    mask = [[1, 1, 0, 0, 0], [1, 1, 1, 1, 1], [1, 0, 1, 1, 0]]
    add("globalAveragePooling1d", {}, L.GlobalAveragePooling1D(), [(5, 3)], mask=mask)
    for sequences in [False, True]:
        for backwards in [False, True]:
            own = {"units": 4, "returnSequences": sequences, "goBackwards": backwards}
            theirs = {"return_sequences": sequences, "go_backwards": backwards}
            add("lstm", own, L.LSTM(4, **theirs), [(5, 3)])
            add("gru", own, L.GRU(4, **theirs), [(5, 3)])
            add("simpleRnn", own, L.SimpleRNN(4, **theirs), [(5, 3)])
    add("gru", {"units": 4, "resetAfter": False}, L.GRU(4, reset_after=False), [(5, 3)])
    add("lstm", {"units": 4, "activation": "relu", "recurrentActivation": "hardSigmoid"}, L.LSTM(4, activation="relu", recurrent_activation="hard_sigmoid"), [(5, 3)])
    for sequences in [False, True]:
        add("lstm", {"units": 4, "returnSequences": sequences}, L.LSTM(4, return_sequences=sequences), [(5, 3)], mask=mask)
        add("gru", {"units": 4, "returnSequences": sequences}, L.GRU(4, return_sequences=sequences), [(5, 3)], mask=mask)
        for merge, theirs in [("concat", "concat"), ("sum", "sum"), ("average", "ave")]:
            add("bidirectional", {"cell": "lstm", "units": 4, "merge": merge, "returnSequences": sequences}, L.Bidirectional(L.LSTM(4, return_sequences=sequences), merge_mode=theirs), [(5, 3)])
        add("bidirectional", {"cell": "gru", "units": 2, "returnSequences": sequences}, L.Bidirectional(L.GRU(2, return_sequences=sequences)), [(5, 3)], mask=mask)
    add("bidirectional", {"cell": "simpleRnn", "units": 2}, L.Bidirectional(L.SimpleRNN(2)), [(5, 3)])
    for training in [False, True]:
        add("batchNormalization", {}, L.BatchNormalization(), [(4,)], training=training)
        add("batchNormalization", {"momentum": 0.9, "center": False}, L.BatchNormalization(momentum=0.9, center=False), [(3, 4, 2)], training=training)
        add("batchNormalization", {"scale": False, "epsilon": 0.01}, L.BatchNormalization(scale=False, epsilon=0.01), [(3, 2)], training=training)
    add("layerNormalization", {}, L.LayerNormalization(), [(4,)])
    add("layerNormalization", {"center": False, "epsilon": 0.01}, L.LayerNormalization(center=False, epsilon=0.01), [(3, 4)])
    for kind, layer in [("add", L.Add()), ("multiply", L.Multiply()), ("average", L.Average()), ("maximum", L.Maximum())]:
        add(kind, {}, layer, [(2, 3), (2, 3), (2, 3)])
    add("concatenate", {}, L.Concatenate(), [(2, 3), (2, 1)])
    add("flatten", {}, L.Flatten(), [(2, 3)])
    add("reshape", {"shape": [3, 2]}, L.Reshape((3, 2)), [(6,)])
    add("rescaling", {"scale": 0.5, "offset": -1}, L.Rescaling(0.5, offset=-1), [(4,)])
    add("dropout", {"rate": 0.5}, L.Dropout(0.5), [(4,)])
    add("spatialDropout1d", {"rate": 0.5}, L.SpatialDropout1D(0.5), [(4, 2)])
    add("spatialDropout2d", {"rate": 0.5}, L.SpatialDropout2D(0.5), [(3, 4, 2)])
    add("gaussianNoise", {"stddev": 0.5}, L.GaussianNoise(0.5), [(4,)])
    write("layers.json", cases)


def optimizers():
    O = keras.optimizers
    shapes = [(2, 3), (3,)]
    start = [rng.normal(size=shape).astype("float32") for shape in shapes]
    gradients = [[(rng.normal(size=shape) * 10 ** rng.uniform(-2, 1)).astype("float32") for shape in shapes] for _ in range(10)]
    cases = []

    def add(name, config, optimizer):
        variables = [keras.Variable(values) for values in start]
        optimizer.build(variables)
        trajectory = []
        for step in gradients:
            optimizer.apply([tf.constant(values) for values in step], variables)
            trajectory.append([float(value) for variable in variables for value in np.ravel(variable.numpy())])
        cases.append({"name": name, "config": config, "trajectory": trajectory})

    add("sgd", {}, O.SGD())
    add("sgd", {"learningRate": 0.1, "momentum": 0.9}, O.SGD(0.1, momentum=0.9))
    add("sgd", {"learningRate": 0.1, "momentum": 0.9, "nesterov": True}, O.SGD(0.1, momentum=0.9, nesterov=True))
    add("adam", {}, O.Adam())
    add("adam", {"learningRate": 0.05, "beta1": 0.8, "beta2": 0.9, "epsilon": 0.01}, O.Adam(0.05, beta_1=0.8, beta_2=0.9, epsilon=0.01))
    add("adam", {"learningRate": 0.05, "amsgrad": True}, O.Adam(0.05, amsgrad=True))
    add("adamW", {}, O.AdamW())
    add("adamW", {"learningRate": 0.05, "weightDecay": 0.1}, O.AdamW(0.05, weight_decay=0.1))
    add("nadam", {}, O.Nadam())
    add("nadam", {"learningRate": 0.05, "beta1": 0.8}, O.Nadam(0.05, beta_1=0.8))
    add("adamax", {}, O.Adamax())
    add("adamax", {"learningRate": 0.05, "beta2": 0.9}, O.Adamax(0.05, beta_2=0.9))
    add("rmsprop", {}, O.RMSprop())
    add("rmsprop", {"learningRate": 0.01, "rho": 0.8, "momentum": 0.5}, O.RMSprop(0.01, rho=0.8, momentum=0.5))
    add("rmsprop", {"learningRate": 0.01, "centered": True}, O.RMSprop(0.01, centered=True))
    add("adagrad", {}, O.Adagrad())
    add("adagrad", {"learningRate": 0.1, "initialAccumulator": 0.5}, O.Adagrad(0.1, initial_accumulator_value=0.5))
    add("adadelta", {}, O.Adadelta())
    add("adadelta", {"learningRate": 1.0, "rho": 0.9}, O.Adadelta(1.0, rho=0.9))
    add("sgd", {"clipNorm": 1.0}, O.SGD(clipnorm=1.0))
    add("sgd", {"globalClipNorm": 1.0}, O.SGD(global_clipnorm=1.0))
    add("sgd", {"clipValue": 0.1}, O.SGD(clipvalue=0.1))
    case = {"start": [flat(values) for values in start], "gradients": [[flat(values) for values in step] for step in gradients], "optimizers": cases}
    write("optimizers.json", [case])


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

    logits = rng.normal(size=(n, 4)) * 3
    shares = np.exp(logits) / np.exp(logits).sum(-1, keepdims=True)
    index = rng.integers(0, 4, size=n).astype("int32")
    hot = np.eye(4, dtype="float32")[index]
    for smoothing in [0.0, 0.1]:
        config = {"labelSmoothing": smoothing}
        add("categoricalCrossentropy", config, X.CategoricalCrossentropy(label_smoothing=smoothing, reduction=None), index, shares, keras_labels=hot)
        add("categoricalCrossentropy", config, X.CategoricalCrossentropy(from_logits=True, label_smoothing=smoothing, reduction=None), index, logits, True, keras_labels=hot)
    add("sparseCategoricalCrossentropy", {}, X.SparseCategoricalCrossentropy(reduction=None), index, shares)
    add("sparseCategoricalCrossentropy", {}, X.SparseCategoricalCrossentropy(from_logits=True, reduction=None), index, logits, True)
    binary = rng.integers(0, 2, size=(n, 1)).astype("float32")
    raw = rng.normal(size=(n, 1)) * 4
    for smoothing in [0.0, 0.2]:
        config = {"labelSmoothing": smoothing}
        add("binaryCrossentropy", config, X.BinaryCrossentropy(label_smoothing=smoothing, reduction=None), binary, 1 / (1 + np.exp(-raw)))
        add("binaryCrossentropy", config, X.BinaryCrossentropy(from_logits=True, label_smoothing=smoothing, reduction=None), binary, raw, True)
    add("hinge", {}, X.Hinge(reduction=None), binary, np.tanh(raw))
    add("squaredHinge", {}, X.SquaredHinge(reduction=None), binary, np.tanh(raw))
    numbers = rng.normal(size=(n, 2)).astype("float32")
    guesses = numbers + rng.normal(size=(n, 2)) * 1.5
    add("meanSquaredError", {}, X.MeanSquaredError(reduction=None), numbers, guesses)
    add("meanAbsoluteError", {}, X.MeanAbsoluteError(reduction=None), numbers, guesses)
    add("huber", {}, X.Huber(reduction=None), numbers, guesses)
    add("huber", {"delta": 0.4}, X.Huber(delta=0.4, reduction=None), numbers, guesses)
    add("logCosh", {}, X.LogCosh(reduction=None), numbers, guesses)
    add("poisson", {}, X.Poisson(reduction=None), np.abs(np.round(numbers * 3)).astype("float32"), np.abs(guesses) + 0.1)
    pinball = lambda truth, guess: tf.reduce_mean(tf.maximum(0.9 * (truth - guess), (0.9 - 1) * (truth - guess)), -1)  # noqa: E731
    add("quantile", {"quantile": 0.9}, pinball, numbers, guesses)
    write("losses.json", cases)


layers()
optimizers()
losses()
