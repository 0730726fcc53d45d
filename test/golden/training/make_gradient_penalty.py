"""Gradient penalties of critics with fixed weights, and their gradients, from TensorFlow and Keras: python make_gradient_penalty.py > gradient-penalty.json"""
import json
import os

os.environ["TF_CPP_MIN_LOG_LEVEL"] = "3"
os.environ["TF_ENABLE_ONEDNN_OPTS"] = "0"
import keras
import numpy as np
import tensorflow as tf

ROWS, SLOPE, FEATURES, CLASSES = 4, 0.2, 128, 3
rng = np.random.default_rng(23)
draw = lambda *shape: rng.normal(size=shape).astype(np.float32)
leaky = lambda x: keras.activations.leaky_relu(x, negative_slope=SLOPE)

image_weights = {
    "conv_1/kernel": 0.4 * draw(4, 4, 1, 3), "conv_1/bias": 0.1 * draw(3),
    "conv_2/kernel": 0.4 * draw(4, 4, 3, 4), "conv_2/bias": 0.1 * draw(4),
    "verdict/kernel": 0.5 * draw(16, 1), "verdict/bias": 0.1 * draw(1),
}


def image_critic(x, w):
    h = x
    for name in ("conv_1", "conv_2"):
        h = leaky(tf.nn.conv2d(h, w[f"{name}/kernel"], 2, "SAME") + w[f"{name}/bias"])
    return tf.matmul(tf.reshape(h, [ROWS, -1]), w["verdict/kernel"]) + w["verdict/bias"]


# Conditional, with a curvature that the penalty of piecewise linear critics has not.
labels = np.array([0, 2, 1, 2])
table_weights = {
    "judge_1/kernel": 0.6 * draw(5, 4), "judge_1/bias": 0.2 * draw(4),
    "judge_features/kernel": 0.3 * draw(4, FEATURES), "judge_features/bias": 0.1 * draw(FEATURES),
    "looks_real/kernel": 0.2 * draw(FEATURES, 1), "looks_real/bias": 0.1 * draw(1),
    "class_vector/embeddings": 0.1 * draw(CLASSES, FEATURES),
}


def table_critic(x, w):
    h = tf.tanh(tf.matmul(x, w["judge_1/kernel"]) + w["judge_1/bias"])
    features = tf.tanh(tf.matmul(h, w["judge_features/kernel"]) + w["judge_features/bias"])
    fits = tf.reduce_sum(features * tf.gather(w["class_vector/embeddings"], labels), axis=1, keepdims=True)
    return tf.matmul(features, w["looks_real/kernel"]) + w["looks_real/bias"] + fits


flat = lambda tensor: [float(value) for value in np.asarray(tensor).ravel()]


def case(critic, weights, shape):
    real, generated, share = draw(ROWS, *shape), draw(ROWS, *shape), rng.uniform(size=(ROWS, 1)).astype(np.float32)
    variables = {name: tf.Variable(value) for name, value in weights.items()}
    mixed = share.reshape([ROWS] + [1] * len(shape))
    between = tf.constant(real * mixed + generated * (1 - mixed))
    with tf.GradientTape() as outer:
        with tf.GradientTape() as inner:
            inner.watch(between)
            verdict = critic(between, variables)
        slope = inner.gradient(verdict, between)
        length = tf.sqrt(tf.reduce_sum(tf.square(tf.reshape(slope, [ROWS, -1])), axis=1))
        penalties = tf.square(length - 1)
        total = tf.reduce_mean(penalties)
    # Biases of a last layer do not move the slope.
    gradients = outer.gradient(total, variables, unconnected_gradients=tf.UnconnectedGradients.ZERO)
    dense = lambda name: np.asarray(tf.convert_to_tensor(gradients[name]))
    return {
        "shape": list(shape), "real": flat(real), "generated": flat(generated), "share": flat(share),
        "weights": {name: flat(value) for name, value in weights.items()},
        "penalties": flat(penalties), "gradients": {name: flat(dense(name)) for name in weights},
    }


print(json.dumps({
    "versions": {"keras": keras.__version__, "tensorflow": tf.__version__}, "rows": ROWS, "labels": labels.tolist(),
    "image": case(image_critic, image_weights, (8, 8, 1)), "table": case(table_critic, table_weights, (5,)),
}))
