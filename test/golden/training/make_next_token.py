"""Loss, perplexity and gradients of small language models with fixed weights, from Keras: python make_next_token.py > next_token.json"""
import json
import os

os.environ["TF_CPP_MIN_LOG_LEVEL"] = "3"
os.environ["TF_ENABLE_ONEDNN_OPTS"] = "0"
import keras
import numpy as np
import tensorflow as tf

STEPS, TOKENS, SIZE, HEADS = 7, 11, 6, 2
rng = np.random.default_rng(5)
ids = np.zeros((4, STEPS), np.int32)
for row, length in enumerate([7, 3, 1, 5]):
    ids[row, :length] = rng.integers(1, TOKENS, length)

embed = lambda: keras.layers.Embedding(TOKENS, SIZE, mask_zero=True, name="embedding")
share = lambda: keras.layers.Dense(TOKENS, activation="softmax", name="output")


def recurrent():
    given = keras.Input((STEPS,), dtype="int32")
    return keras.Model(given, share()(keras.layers.GRU(5, return_sequences=True, name="recurrent")(embed()(given))))


def attentive():
    given = keras.Input((STEPS,), dtype="int32")
    x = embed()(given)
    normal = keras.layers.LayerNormalization(epsilon=1e-6, name="norm")(x)
    attention = keras.layers.MultiHeadAttention(HEADS, SIZE // HEADS, name="attention")(normal, normal, use_causal_mask=True)
    return keras.Model(given, share()(keras.layers.Add(name="sum")([x, attention])))


targets = np.concatenate([ids[:, 1:], np.zeros((len(ids), 1), np.int32)], axis=1)
counted = (ids != 0).astype(np.float32)
counted[:, -1] = 0
flat = lambda tensor: [float(value) for value in np.asarray(tensor).ravel()]


def case(model):
    model.set_weights([0.6 * rng.normal(size=weight.shape).astype(np.float32) for weight in model.weights])
    with tf.GradientTape() as tape:
        each = keras.losses.sparse_categorical_crossentropy(targets, model(ids)) * counted
        loss = tf.reduce_sum(each) / tf.reduce_sum(counted)
    gradients = tape.gradient(loss, [weight.value for weight in model.trainable_weights])
    gradients = [tf.convert_to_tensor(gradient) for gradient in gradients]
    shares = np.asarray(model(ids))
    hits = (shares.argmax(-1) == targets) * counted
    metric = keras.metrics.SparseCategoricalCrossentropy()
    metric.update_state(targets, shares, sample_weight=counted)
    last = np.maximum((ids != 0).sum(1), 1) - 1
    return {
        "weights": [{"path": weight.path, "shape": list(weight.shape), "values": flat(weight)} for weight in model.weights],
        "loss": float(loss), "perplexity": float(np.exp(metric.result())), "accuracy": float(hits.sum() / counted.sum()),
        "rowLosses": flat(tf.reduce_sum(each, axis=1)), "gradients": [flat(gradient) for gradient in gradients], "next": flat(shares[np.arange(len(ids)), last]),
    }


print(json.dumps({
    "versions": {"keras": keras.__version__, "tensorflow": tf.__version__}, "steps": STEPS, "tokens": TOKENS, "size": SIZE, "heads": HEADS, "ids": flat(ids),
    "cases": {"gru": case(recurrent()), "transformer": case(attentive())},
}))
