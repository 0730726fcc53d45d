"""Writes attention.json: outputs and gradients of Keras 3's attention and normalization layers.

    python3 -m venv v && v/bin/pip install tensorflow-cpu==2.21.0 && v/bin/python test/golden/training/make_attention.py
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
rng = np.random.default_rng(20260201)
L = keras.layers
ROWS = 3
MASK = [[1, 1, 1, 0, 0], [1, 1, 1, 1, 1], [1, 1, 0, 0, 0]]


def flat(array):
    return {"shape": list(np.shape(array)), "values": [float(value) for value in np.ravel(array)]}


def case(kind, config, layer, shapes, call, masks=None):
    """`call` runs the layer on inputs and masks; the loss is a fixed weighted sum of the outputs that count."""
    inputs = [tf.constant(rng.normal(size=(ROWS, *shape)).astype("float32")) for shape in shapes]
    masks = [None if mask is None else tf.constant(np.array(mask, dtype=bool)) for mask in (masks or [None] * len(shapes))]
    call(inputs, masks)
    layer.set_weights([(rng.normal(size=w.shape) * 0.5).astype("float32") for w in layer.weights])
    with tf.GradientTape() as tape:
        tape.watch(inputs)
        output = call(inputs, masks)
        factors = rng.normal(size=output.shape).astype("float32")
        if masks[0] is not None and len(output.shape) == 3:
            # What padding asks for does not count later; Keras gives means there, or zeros, by other settings.
            factors *= np.array(masks[0], dtype="float32")[:, :, None]
        loss = tf.reduce_sum(output * factors)
    gradients = tape.gradient(loss, [*inputs, *[w.value for w in layer.weights]])
    return {
        "type": kind, "config": config, "inputs": [flat(v.numpy()) for v in inputs], "masks": [None if m is None else m.numpy().astype(int).tolist() for m in masks],
        "weights": [flat(w.numpy()) for w in layer.weights], "factors": flat(factors), "output": flat(output.numpy()), "loss": float(loss),
        "gradients": [flat(tf.convert_to_tensor(g).numpy()) for g in gradients],
    }


def multi_head(config, shapes, masks=None, **keras_config):
    layer = L.MultiHeadAttention(**keras_config)
    causal = config.get("causal", False)

    def call(inputs, masks):
        for tensor, mask in zip(inputs, masks):
            tensor._keras_mask = mask
        query, value, key = inputs[0], inputs[min(1, len(inputs) - 1)], inputs[2] if len(inputs) > 2 else None
        of = masks if len(inputs) > 1 else [masks[0]] * 2
        # The masks are taken as arguments: eager tensors of one layer may share them.
        mask = None
        for each in [of[1], of[2] if len(of) > 2 else None]:
            if each is not None:
                mask = each[:, None, :] if mask is None else mask & each[:, None, :]
        return layer(query, value, **({} if key is None else {"key": key}), attention_mask=mask, use_causal_mask=causal)

    return case("multiHeadAttention", config, layer, shapes, call, masks)


def scored(kind, config, layer, shapes, masks=None):
    def call(inputs, masks):
        all_inputs = inputs if len(inputs) > 1 else [inputs[0], inputs[0]]
        of = masks if len(inputs) > 1 else [masks[0]] * 2
        return layer(all_inputs, mask=None if of[0] is None else of[:2], use_causal_mask=config.get("causal", False))

    return case(kind, config, layer, shapes, call, masks)


def plain(kind, config, layer, shapes):
    return case(kind, config, layer, shapes, lambda inputs, _masks: layer(inputs[0]))


class Positions(L.Layer):
    """PositionEmbedding of keras_hub, added."""

    def build(self, shape):
        self.positions = self.add_weight(shape=shape[1:])

    def call(self, x):
        return x + self.positions


class Sines(L.Layer):
    """SinePositionEncoding of keras_hub, added."""

    def call(self, x):
        steps, features = x.shape[1:]
        place = np.arange(steps, dtype="float32")[:, None]
        angles = place * (1 / 10_000.0) ** (2 * (np.arange(features) // 2) / features)
        odd = np.arange(features) % 2
        return x + tf.constant((np.sin(angles) * (1 - odd) + np.cos(angles) * odd).astype("float32"))


class ClassToken(L.Layer):
    def build(self, shape):
        self.token = self.add_weight(shape=shape[2:])

    def call(self, x):
        return tf.concat([tf.broadcast_to(self.token, [x.shape[0], 1, x.shape[2]]), x], 1)


def pooling(kind, masked):
    """The steps that count, taken out of each sequence, then NumPy's way."""

    def call(inputs, masks):
        rows = []
        for row in range(ROWS):
            x = inputs[0][row]
            seen = x if masks[0] is None else tf.boolean_mask(x, masks[0][row])
            rows.append({"average": lambda: tf.reduce_mean(seen, 0), "max": lambda: tf.reduce_max(seen, 0), "first": lambda: x[0], "last": lambda: seen[-1]}[kind]())
        return tf.stack(rows)

    return case("sequencePooling", {"pooling": kind}, L.Identity(), [(5, 3)], call, [MASK] if masked else None)


cases = [
    multi_head({"numHeads": 2, "keyDim": 3}, [(5, 6)], num_heads=2, key_dim=3),
    multi_head({"numHeads": 2, "keyDim": 3, "causal": True}, [(5, 6)], num_heads=2, key_dim=3),
    multi_head({"numHeads": 2, "keyDim": 3}, [(5, 6)], [MASK], num_heads=2, key_dim=3),
    multi_head({"numHeads": 2, "keyDim": 3, "causal": True, "useBias": False}, [(5, 6)], [MASK], num_heads=2, key_dim=3, use_bias=False),
    multi_head({"numHeads": 3, "keyDim": 2, "valueDim": 4}, [(4, 6), (5, 3)], num_heads=3, key_dim=2, value_dim=4),
    multi_head({"numHeads": 2, "keyDim": 2, "outputDim": 5}, [(4, 6), (5, 3)], [None, MASK], num_heads=2, key_dim=2, output_shape=5),
    multi_head({"numHeads": 2, "keyDim": 2}, [(5, 6), (5, 3), (5, 4)], [MASK, MASK, MASK], num_heads=2, key_dim=2),
    multi_head({"numHeads": 1, "keyDim": 4, "causal": True}, [(4, 4), (5, 3), (5, 2)], num_heads=1, key_dim=4),
    scored("attention", {}, L.Attention(), [(5, 3)]),
    scored("attention", {"useScale": True, "causal": True}, L.Attention(use_scale=True), [(5, 3)], [MASK]),
    scored("attention", {}, L.Attention(), [(4, 3), (5, 2), (5, 3)]),
    scored("additiveAttention", {}, L.AdditiveAttention(), [(5, 3)], [MASK]),
    scored("additiveAttention", {"useScale": False, "causal": True}, L.AdditiveAttention(use_scale=False), [(4, 3), (5, 3)]),
    plain("layerNormalization", {}, L.LayerNormalization(), [(4,)]),
    plain("layerNormalization", {"epsilon": 1e-6}, L.LayerNormalization(epsilon=1e-6), [(3, 8)]),
    plain("layerNormalization", {"center": False}, L.LayerNormalization(center=False), [(3, 4)]),
    plain("layerNormalization", {"scale": False, "epsilon": 0.01}, L.LayerNormalization(scale=False, epsilon=0.01), [(3, 4)]),
    plain("positionEmbedding", {}, Positions(), [(4, 3)]),
    plain("sinusoidalPositionEncoding", {}, Sines(), [(4, 5)]),
    plain("classToken", {}, ClassToken(), [(4, 3)]),
    *[pooling(kind, masked) for kind in ["average", "max", "first", "last"] for masked in [False, True]],
]
meta = {"keras": keras.__version__, "tensorflow": tf.__version__, "cases": cases}
(HERE / "attention.json").write_text(json.dumps(meta, separators=(",", ":")).replace('},{"type', '},\n{"type') + "\n")
