"""Writes layer-gradients.json: outputs of Keras 3's layers, and their gradients with regard to inputs and weights, with masks where they matter.

    python3 -m venv v && v/bin/pip install tensorflow-cpu==2.21.0 && v/bin/python test/golden/training/make_layer_gradients.py

A case holds a cotangent: the gradients are those of the sum of output · cotangent.
"""
import json
import os
import pathlib
import re

os.environ["TF_CPP_MIN_LOG_LEVEL"] = "3"
os.environ["TF_ENABLE_ONEDNN_OPTS"] = "0"
import keras  # noqa: E402
import numpy as np  # noqa: E402
import tensorflow as tf  # noqa: E402

HERE = pathlib.Path(__file__).parent
rng = np.random.default_rng(20260202)
L = keras.layers
cases = []
ROWS = 2


def flat(array):
    return {"shape": list(np.shape(array)), "values": [float(f"{value:.7g}") for value in np.ravel(array)]}


def draw(shape):
    # Not too near to zero, where kinked functions have no gradient.
    values = rng.normal(size=shape)
    return (np.sign(values) * (np.abs(values) + 0.05)).astype("float32")


def add(kind, config, layer, shapes, integers_below=None, training=False, mask=None, masks=None, scale=0.5):
    """mask: of the only input; masks: of each input, for layers that merge."""
    if integers_below is None:
        inputs = [tf.constant(draw((ROWS, *shape))) for shape in shapes]
    else:
        inputs = [tf.constant(rng.integers(0, integers_below, size=(ROWS, *shape)).astype("int32")) for shape in shapes]
    feed = inputs if len(inputs) > 1 else inputs[0]
    given = None if mask is None and masks is None else tf.constant(np.array(mask, bool)) if masks is None else [None if each is None else tf.constant(np.array(each, bool)) for each in masks]
    arguments = {"mask": given} if given is not None and layer._call_has_mask_arg else {}
    if training and layer._call_has_training_arg:
        arguments["training"] = True
    if not layer.built:
        layer(feed)
    weights = []
    for weight in layer.weights:
        value = np.abs(draw(weight.shape)) + 0.1 if "variance" in weight.path else draw(weight.shape) * scale
        weights.append(value.astype("float32"))
    layer.set_weights(weights)
    variables = [weight for weight in layer.weights if weight.trainable]
    watched = [] if integers_below is not None else inputs
    with tf.GradientTape(persistent=True) as tape:
        for each in watched:
            tape.watch(each)
        output = layer(feed, **arguments)
        cotangent = tf.constant(draw(output.shape))
        total = tf.reduce_sum(tf.cast(output, "float32") * cotangent)
    zeros = tf.UnconnectedGradients.ZERO
    case = {
        "type": kind, "config": config, "training": training, "integers": integers_below is not None,
        "inputs": [flat(each.numpy()) for each in inputs],
        "weights": [flat(value) for value in weights],
        "trainable": [bool(weight.trainable) for weight in layer.weights],
        "output": flat(output.numpy()), "cotangent": flat(cotangent.numpy()),
        "inputGradients": [flat(tf.convert_to_tensor(tape.gradient(total, each, unconnected_gradients=zeros)).numpy()) for each in watched],
        "weightGradients": [flat(tf.convert_to_tensor(tape.gradient(total, each.value, unconnected_gradients=zeros)).numpy()) for each in variables],
    }
    if given is not None:
        case["masks"] = [mask] if masks is None else masks
        kept = layer.compute_mask(feed, given) if layer.supports_masking else None
        case["outputMask"] = None if kept is None else np.array(kept).astype(int).tolist()
    cases.append(case)


def snake(name):
    return re.sub(r"(?<!^)(?=[A-Z])", "_", name).lower()


MASK = [[1, 1, 0, 0], [1, 0, 1, 1]]
ALL = ["linear", "relu", "relu6", "leakyRelu", "elu", "selu", "celu", "gelu", "glu", "sigmoid", "hardSigmoid", "logSigmoid", "sparseSigmoid", "tanh", "hardTanh", "tanhShrink", "softmax", "logSoftmax", "sparsemax", "softplus", "sparsePlus", "squareplus", "softsign", "softShrink", "hardShrink", "silu", "hardSilu", "mish", "exponential"]
A = keras.activations


def activations():
    for name in ALL:
        # Keras 3.15 gives rows of zeros for some inputs.
        if name == "sparsemax":
            continue
        add("activation", {"activation": name}, L.Activation(getattr(A, snake(name))), [(8,)])
    add("activation", {"activation": "hardSigmoidV2"}, L.Activation(lambda x: tf.clip_by_value(0.2 * x + 0.5, 0, 1)), [(8,)])
    for settings, function in [
        ({"relu": {"negativeSlope": 0.1, "maxValue": 1, "threshold": 0.3}}, lambda x: A.relu(x, negative_slope=0.1, max_value=1.0, threshold=0.3)),
        ({"relu": {"negativeSlope": 0.2}}, lambda x: A.relu(x, negative_slope=0.2)),
        ({"relu": {"maxValue": 0.8}}, lambda x: A.relu(x, max_value=0.8)),
        ({"relu": {"threshold": 0.4}}, lambda x: A.relu(x, threshold=0.4)),
        ({"leakyRelu": {"negativeSlope": 0.05}}, lambda x: A.leaky_relu(x, negative_slope=0.05)),
        ({"elu": {"alpha": 0.4}}, lambda x: A.elu(x, alpha=0.4)),
        ({"celu": {"alpha": 0.4}}, lambda x: A.celu(x, alpha=0.4)),
        ({"gelu": {"approximate": True}}, lambda x: A.gelu(x, approximate=True)),
        ({"squareplus": {"b": 1}}, lambda x: A.squareplus(x, b=1)),
        ({"softShrink": {"threshold": 0.2}}, lambda x: A.soft_shrink(x, threshold=0.2)),
        ({"hardShrink": {"threshold": 0.2}}, lambda x: A.hard_shrink(x, threshold=0.2)),
        ({"threshold": {"threshold": 0.3, "value": -1}}, lambda x: A.threshold(x, 0.3, -1.0)),
    ]:
        add("activation", {"activation": settings}, L.Activation(function), [(8,)])
    add("activation", {"activation": "glu"}, L.Activation(A.glu), [(4, 6)], mask=MASK)
    add("relu", {}, L.ReLU(), [(6,)])
    add("relu", {"maxValue": 1, "negativeSlope": 0.1, "threshold": 0.2}, L.ReLU(max_value=1.0, negative_slope=0.1, threshold=0.2), [(4, 3)], mask=MASK)
    add("leakyRelu", {}, L.LeakyReLU(), [(4, 3)], mask=MASK)
    add("leakyRelu", {"negativeSlope": 0.1}, L.LeakyReLU(negative_slope=0.1), [(6,)])
    add("elu", {"alpha": 0.5}, L.ELU(alpha=0.5), [(4, 3)], mask=MASK)
    add("thresholdedRelu", {"theta": 0.4}, L.Activation(lambda x: A.relu(x, threshold=0.4)), [(4, 3)], mask=MASK)
    add("prelu", {}, L.PReLU(), [(4, 3)], mask=MASK)
    add("prelu", {"sharedAxes": [1, 2]}, L.PReLU(shared_axes=[1, 2]), [(3, 2, 4)])
    add("softmax", {}, L.Softmax(), [(5,)])
    add("softmax", {"axis": 1}, L.Softmax(axis=1), [(4, 3)])
    add("softmax", {"axis": [1, 2]}, L.Softmax(axis=[1, 2]), [(4, 3)])


def convolutions():
    for padding in ["valid", "same", "causal"]:
        add("conv1d", {"filters": 3, "kernelSize": 3, "padding": padding, "activation": "tanh"}, L.Conv1D(3, 3, padding=padding, activation="tanh"), [(4, 2)], mask=MASK)
        add("conv1d", {"filters": 2, "kernelSize": 2, "padding": padding, "dilationRate": 3}, L.Conv1D(2, 2, padding=padding, dilation_rate=3), [(8, 2)])
    add("conv1d", {"filters": 4, "kernelSize": 2, "strides": 2, "groups": 2}, L.Conv1D(4, 2, strides=2, groups=2), [(7, 4)])
    for padding in ["valid", "same"]:
        add("conv2d", {"filters": 3, "kernelSize": [2, 3], "strides": [2, 1], "padding": padding}, L.Conv2D(3, (2, 3), strides=(2, 1), padding=padding), [(5, 4, 2)])
        add("conv2d", {"filters": 2, "kernelSize": [3, 2], "dilationRate": [2, 3], "padding": padding}, L.Conv2D(2, (3, 2), dilation_rate=(2, 3), padding=padding), [(7, 6, 1)])
        add("conv3d", {"filters": 2, "kernelSize": 2, "padding": padding}, L.Conv3D(2, 2, padding=padding), [(3, 4, 2, 2)])
        add("conv3d", {"filters": 2, "kernelSize": [1, 2, 3], "strides": [1, 2, 2], "padding": padding, "useBias": False}, L.Conv3D(2, (1, 2, 3), strides=(1, 2, 2), padding=padding, use_bias=False), [(2, 4, 5, 1)])
        add("depthwiseConv1d", {"kernelSize": 3, "strides": 2, "depthMultiplier": 2, "padding": padding}, L.DepthwiseConv1D(3, strides=2, depth_multiplier=2, padding=padding), [(6, 2)])
        add("depthwiseConv1d", {"kernelSize": 2, "dilationRate": 2, "padding": padding}, L.DepthwiseConv1D(2, dilation_rate=2, padding=padding), [(7, 2)])
        add("depthwiseConv2d", {"kernelSize": [2, 3], "strides": 2, "depthMultiplier": 2, "padding": padding}, L.DepthwiseConv2D((2, 3), strides=2, depth_multiplier=2, padding=padding), [(5, 4, 2)])
        add("depthwiseConv2d", {"kernelSize": 2, "dilationRate": [2, 1], "padding": padding}, L.DepthwiseConv2D(2, dilation_rate=(2, 1), padding=padding), [(5, 4, 2)])
        add("separableConv1d", {"filters": 3, "kernelSize": 3, "strides": 2, "depthMultiplier": 2, "padding": padding, "activation": "relu"}, L.SeparableConv1D(3, 3, strides=2, depth_multiplier=2, padding=padding, activation="relu"), [(6, 2)])
        add("separableConv1d", {"filters": 3, "kernelSize": 2, "dilationRate": 3, "padding": padding}, L.SeparableConv1D(3, 2, dilation_rate=3, padding=padding), [(7, 2)])
        add("separableConv2d", {"filters": 3, "kernelSize": 2, "padding": padding, "depthMultiplier": 2}, L.SeparableConv2D(3, 2, padding=padding, depth_multiplier=2), [(4, 5, 2)])
        for strides, extra in [(1, None), (2, None), (3, 1), (2, 0)]:
            more, theirs = ({}, {}) if extra is None else ({"outputPadding": extra}, {"output_padding": extra})
            own = {"filters": 2, "kernelSize": 3, "strides": strides, "padding": padding, **more}
            add("conv1dTranspose", own, L.Conv1DTranspose(2, 3, strides=strides, padding=padding, **theirs), [(4, 2)])
            add("conv2dTranspose", own, L.Conv2DTranspose(2, 3, strides=strides, padding=padding, **theirs), [(2, 3, 2)])
            add("conv3dTranspose", own, L.Conv3DTranspose(2, 3, strides=strides, padding=padding, **theirs), [(2, 1, 2, 1)])
    add("conv2dTranspose", {"filters": 2, "kernelSize": [2, 3], "strides": [3, 1], "activation": "elu", "useBias": False}, L.Conv2DTranspose(2, (2, 3), strides=(3, 1), activation="elu", use_bias=False), [(2, 3, 2)])


def pooling():
    for padding in ["valid", "same"]:
        for kind, layer in [("max", "Max"), ("average", "Average")]:
            make = lambda rank: getattr(L, f"{layer}Pooling{rank}D")  # noqa: E731
            add(f"{kind}Pooling1d", {"poolSize": 3, "strides": 2, "padding": padding}, make(1)(3, strides=2, padding=padding), [(6, 2)])
            add(f"{kind}Pooling2d", {"poolSize": [2, 3], "padding": padding}, make(2)((2, 3), padding=padding), [(5, 4, 2)])
            add(f"{kind}Pooling3d", {"poolSize": 2, "padding": padding}, make(3)(2, padding=padding), [(3, 4, 3, 1)])
            add(f"{kind}Pooling3d", {"poolSize": [1, 2, 3], "strides": 2, "padding": padding}, make(3)((1, 2, 3), strides=2, padding=padding), [(3, 4, 3, 1)])
    for rank, shape in [(1, (4, 2)), (2, (3, 4, 2)), (3, (2, 3, 2, 2))]:
        for kind in ["Max", "Average"]:
            add(f"global{kind}Pooling{rank}d", {}, getattr(L, f"Global{kind}Pooling{rank}D")(), [shape], mask=MASK if rank == 1 else None)
    for rank, shape, size in [(1, (7, 2), 3), (2, (7, 5, 2), (3, 2)), (3, (5, 4, 3, 1), (2, 3, 1))]:
        for kind in ["Max", "Average"]:
            add(f"adaptive{kind}Pooling{rank}d", {"outputSize": size if rank == 1 else list(size)}, getattr(L, f"Adaptive{kind}Pooling{rank}D")(size), [shape])


def reshaping():
    add("zeroPadding1d", {"padding": [1, 2]}, L.ZeroPadding1D((1, 2)), [(4, 2)], mask=MASK)
    add("zeroPadding2d", {"padding": [[0, 2], [1, 0]]}, L.ZeroPadding2D(((0, 2), (1, 0))), [(2, 3, 2)])
    add("zeroPadding2d", {"padding": [1, 2]}, L.ZeroPadding2D((1, 2)), [(2, 3, 2)])
    add("zeroPadding2d", {}, L.ZeroPadding2D(), [(2, 3, 2)])
    add("zeroPadding3d", {"padding": [[0, 2], [1, 0], [1, 1]]}, L.ZeroPadding3D(((0, 2), (1, 0), (1, 1))), [(2, 3, 1, 2)])
    add("cropping1d", {}, L.Cropping1D(), [(4, 2)], mask=MASK)
    add("cropping1d", {"cropping": [0, 2]}, L.Cropping1D((0, 2)), [(4, 2)])
    add("cropping2d", {"cropping": [[0, 2], [1, 0]]}, L.Cropping2D(((0, 2), (1, 0))), [(4, 3, 2)])
    add("cropping2d", {}, L.Cropping2D(), [(4, 3, 2)])
    add("cropping3d", {}, L.Cropping3D(), [(3, 4, 5, 1)])
    add("cropping3d", {"cropping": [0, 1, 2]}, L.Cropping3D((0, 1, 2)), [(3, 4, 5, 1)])
    add("upSampling1d", {"size": 3}, L.UpSampling1D(3), [(4, 2)], mask=MASK)
    add("upSampling2d", {"size": [2, 3]}, L.UpSampling2D((2, 3)), [(2, 3, 2)])
    for size in [2, 3]:
        add("upSampling2d", {"size": size, "interpolation": "bilinear"}, L.UpSampling2D(size, interpolation="bilinear"), [(3, 2, 2)])
    add("upSampling3d", {"size": [2, 1, 3]}, L.UpSampling3D((2, 1, 3)), [(2, 2, 1, 2)])
    add("permute", {"dims": [3, 1, 2]}, L.Permute((3, 1, 2)), [(2, 3, 4)])
    add("permute", {"dims": [2, 1]}, L.Permute((2, 1)), [(4, 2)], mask=MASK)
    add("repeatVector", {"n": 3}, L.RepeatVector(3), [(4,)])
    add("flatten", {}, L.Flatten(), [(4, 2)], mask=MASK)
    add("reshape", {"shape": [2, 4]}, L.Reshape((2, 4)), [(4, 2)], mask=MASK)
    add("identity", {}, L.Identity(), [(4, 2)], mask=MASK)
    add("rescaling", {"scale": 0.5, "offset": -1}, L.Rescaling(0.5, offset=-1), [(4, 2)], mask=MASK)
    add("normalization", {"mean": [0.5, -1], "variance": [4, 0.25]}, L.Normalization(mean=[0.5, -1.0], variance=[4.0, 0.25]), [(4, 2)], mask=MASK)
    add("normalization", {"mean": 0.5, "variance": 4, "invert": True}, L.Normalization(mean=0.5, variance=4.0, invert=True), [(3,)])


def merging():
    three = [(4, 3), (4, 3), (4, 3)]
    other = [[1, 0, 0, 0], [0, 0, 1, 1]]
    for kind in ["Add", "Multiply", "Average", "Maximum", "Minimum"]:
        add(kind.lower(), {}, getattr(L, kind)(), three, masks=[MASK, other, MASK])
        add(kind.lower(), {}, getattr(L, kind)(), three, masks=[MASK, None, MASK])
    add("subtract", {}, L.Subtract(), three[:2], masks=[MASK, other])
    add("concatenate", {}, L.Concatenate(), [(4, 3), (4, 1)], masks=[MASK, other])
    add("concatenate", {}, L.Concatenate(), [(4, 3), (4, 1)], masks=[MASK, None])
    add("concatenate", {"axis": 1}, L.Concatenate(axis=1), [(4, 3), (4, 3)], masks=[MASK, other])
    add("concatenate", {"axis": 2}, L.Concatenate(axis=2), [(2, 3, 2), (2, 1, 2)])
    add("dot", {"axes": 1}, L.Dot(1), [(4,), (4,)])
    add("dot", {"axes": 1, "normalize": True}, L.Dot(1, normalize=True), [(4,), (4,)])
    add("dot", {"axes": [2, 1]}, L.Dot((2, 1)), [(4, 3), (3, 2)], masks=[MASK, None])
    add("dot", {"axes": 1, "normalize": True}, L.Dot(1, normalize=True), [(4, 3), (4, 2)])
    add("dot", {"axes": [2, 1]}, L.Dot((2, 1)), [(4, 3), (3,)])
    add("dot", {"axes": [1, 3]}, L.Dot((1, 3)), [(3, 2), (2, 2, 3)])


def normalization():
    for training in [False, True]:
        add("batchNormalization", {}, L.BatchNormalization(), [(3, 2, 2)], training=training)
        add("batchNormalization", {"center": False, "epsilon": 0.01}, L.BatchNormalization(center=False, epsilon=0.01), [(4, 3)], training=training, mask=MASK)
    add("layerNormalization", {}, L.LayerNormalization(), [(4, 3)], mask=MASK)
    add("groupNormalization", {"groups": 2}, L.GroupNormalization(2), [(6,)])
    add("groupNormalization", {"groups": 2}, L.GroupNormalization(2), [(4, 6)], mask=MASK)
    add("groupNormalization", {"groups": -1, "scale": False}, L.GroupNormalization(-1, scale=False), [(3, 2, 2)])
    add("groupNormalization", {"groups": 1, "center": False, "epsilon": 0.1}, L.GroupNormalization(1, center=False, epsilon=0.1), [(3, 2, 2)])
    add("unitNormalization", {}, L.UnitNormalization(), [(4, 3)], mask=MASK)
    add("unitNormalization", {"axis": [1, 2]}, L.UnitNormalization(axis=[1, 2]), [(4, 3)])
    add("rmsNormalization", {}, L.RMSNormalization(), [(4, 3)], mask=MASK)
    add("rmsNormalization", {"axis": [1, 2], "epsilon": 0.01}, L.RMSNormalization(axis=[1, 2], epsilon=0.01), [(4, 3)])


def core():
    add("dense", {"units": 3, "activation": "tanh"}, L.Dense(3, activation="tanh"), [(4, 2)], mask=MASK)
    add("dense", {"units": 3, "useBias": False}, L.Dense(3, use_bias=False), [(5,)])
    add("embedding", {"inputDim": 5, "outputDim": 3}, L.Embedding(5, 3), [(4,)], integers_below=5)
    masking = L.Masking(0.0)
    add("masking", {}, masking, [(4, 2)])
    for kind, layer in [("dropout", L.Dropout(0.5)), ("alphaDropout", L.AlphaDropout(0.5)), ("gaussianDropout", L.GaussianDropout(0.5)), ("spatialDropout1d", L.SpatialDropout1D(0.5))]:
        add(kind, {"rate": 0.5}, layer, [(4, 2)], mask=MASK)
    add("gaussianNoise", {"stddev": 0.5}, L.GaussianNoise(0.5), [(4, 2)], mask=MASK)
    add("spatialDropout2d", {"rate": 0.5}, L.SpatialDropout2D(0.5), [(2, 2, 2)])
    add("spatialDropout3d", {"rate": 0.5}, L.SpatialDropout3D(0.5), [(2, 2, 1, 2)])
    add("activityRegularization", {"l1": 0.1, "l2": 0.2}, L.ActivityRegularization(0.1, 0.2), [(4, 2)], mask=MASK)
    add("timeDistributed", {"layer": {"type": "dense", "units": 3, "activation": "tanh"}}, L.TimeDistributed(L.Dense(3, activation="tanh")), [(4, 2)], mask=MASK)
    add("timeDistributed", {"layer": {"type": "conv2d", "filters": 2, "kernelSize": 2}}, L.TimeDistributed(L.Conv2D(2, 2)), [(2, 3, 3, 2)])
    add("timeDistributed", {"layer": {"type": "gru", "units": 2}}, L.TimeDistributed(L.GRU(2)), [(2, 3, 2)])
    for equation, shape, output, axes in [("ab,bc->ac", (3,), (4,), "c"), ("abc,cd->abd", (4, 3), (None, 5), "d"), ("abc,cde->abde", (4, 3), (None, 2, 3), "de"), ("abcd,cde->abe", (2, 3, 2), (None, 4), "e"), ("abc,bd->adc", (4, 3), (2, 3), None)]:
        own = {"equation": equation, "outputShape": list(output), "activation": "tanh", **({} if axes is None else {"biasAxes": axes})}
        add("einsumDense", own, L.EinsumDense(equation, output_shape=output, bias_axes=axes, activation="tanh"), [shape], mask=MASK if shape == (4, 3) else None)
    for mode, below, shape in [("multi_hot", 5, (4,)), ("count", 5, (4,)), ("one_hot", 5, (4,)), ("one_hot", 5, (1,)), ("multi_hot", 5, (1,))]:
        words = {"multi_hot": "multiHot", "count": "count", "one_hot": "oneHot"}
        add("categoryEncoding", {"numTokens": 5, "outputMode": words[mode]}, L.CategoryEncoding(5, output_mode=mode), [shape], integers_below=below)
    add("discretization", {"binBoundaries": [-0.5, 0, 1]}, L.Discretization(bin_boundaries=[-0.5, 0.0, 1.0]), [(4,)])
    for mode, ours in [("one_hot", "oneHot"), ("multi_hot", "multiHot"), ("count", "count")]:
        add("discretization", {"binBoundaries": [-0.5, 0, 1], "outputMode": ours}, L.Discretization(bin_boundaries=[-0.5, 0.0, 1.0], output_mode=mode), [(4,)])


def recurrent():
    for sequences in [False, True]:
        for backwards in [False, True]:
            own = {"units": 2, "returnSequences": sequences, "goBackwards": backwards}
            theirs = {"return_sequences": sequences, "go_backwards": backwards}
            for kind, layer in [("lstm", L.LSTM), ("gru", L.GRU), ("simpleRnn", L.SimpleRNN)]:
                add(kind, own, layer(2, **theirs), [(4, 3)])
                add(kind, own, layer(2, **theirs), [(4, 3)], mask=MASK)
    for kind, layer in [("lstm", L.LSTM), ("gru", L.GRU), ("simpleRnn", L.SimpleRNN)]:
        add(kind, {"units": 2, "useBias": False, "activation": "softsign"}, layer(2, use_bias=False, activation="softsign"), [(4, 3)])
    add("gru", {"units": 2, "resetAfter": False}, L.GRU(2, reset_after=False), [(4, 3)], mask=MASK)
    for merge, theirs in [("concat", "concat"), ("sum", "sum"), ("average", "ave"), ("multiply", "mul")]:
        add("bidirectional", {"cell": "gru", "units": 2, "merge": merge, "returnSequences": True}, L.Bidirectional(L.GRU(2, return_sequences=True), merge_mode=theirs), [(4, 3)], mask=MASK)
        add("bidirectional", {"cell": "lstm", "units": 2, "merge": merge}, L.Bidirectional(L.LSTM(2), merge_mode=theirs), [(4, 3)])
    add("bidirectional", {"cell": "lstm", "units": 2, "recurrentActivation": "hardSigmoid", "useBias": False}, L.Bidirectional(L.LSTM(2, recurrent_activation="hard_sigmoid", use_bias=False)), [(4, 3)], mask=MASK)
    for padding in ["valid", "same"]:
        for sequences in [False, True]:
            own = {"filters": 2, "kernelSize": 2, "padding": padding, "returnSequences": sequences}
            theirs = {"padding": padding, "return_sequences": sequences}
            add("convLstm1d", own, L.ConvLSTM1D(2, 2, **theirs), [(4, 4, 2)], mask=MASK if sequences else None)
            add("convLstm2d", own, L.ConvLSTM2D(2, 2, **theirs), [(4, 3, 3, 1)], mask=MASK if not sequences else None)
            add("convLstm3d", own, L.ConvLSTM3D(2, 2, **theirs), [(2, 2, 3, 2, 1)])
    add("convLstm2d", {"filters": 2, "kernelSize": [3, 2], "strides": 2, "goBackwards": True, "useBias": False, "activation": "softsign", "recurrentActivation": "hardSigmoid"}, L.ConvLSTM2D(2, (3, 2), strides=2, go_backwards=True, use_bias=False, activation="softsign", recurrent_activation="hard_sigmoid"), [(3, 5, 4, 1)])
    add("convLstm1d", {"filters": 1, "kernelSize": 2, "dilationRate": 2}, L.ConvLSTM1D(1, 2, dilation_rate=2), [(2, 5, 2)])


for family in [activations, convolutions, pooling, reshaping, merging, normalization, core, recurrent]:
    family()
meta = {"keras": keras.__version__, "tensorflow": tf.__version__, "cases": cases}
(HERE / "layer-gradients.json").write_text(json.dumps(meta, separators=(",", ":")).replace('},{"type"', '},\n{"type"') + "\n")
print(len(cases), "cases")
