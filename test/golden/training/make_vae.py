"""Values of a variational autoencoder with fixed weights and noise, from TensorFlow and Keras: python make_vae.py > vae.json"""
import json
import os

os.environ["TF_CPP_MIN_LOG_LEVEL"] = "3"
os.environ["TF_ENABLE_ONEDNN_OPTS"] = "0"
import keras
import numpy as np
import tensorflow as tf

ROWS, WIDTH, LATENT, SEED, KL = 5, 6, 3, [-335352634, 3], 0.25
# The seed of the layer "latent" in a training with the seed 5, and the iteration.
rng = np.random.default_rng(11)
draw = lambda *shape: rng.normal(size=shape).astype(np.float32)

x = 1 / (1 + np.exp(-draw(ROWS, WIDTH)))
weights = {
    "encoder/kernel": 0.5 * draw(WIDTH, 4), "encoder/bias": 0.1 * draw(4),
    "mean/kernel": 0.5 * draw(4, LATENT), "mean/bias": 0.1 * draw(LATENT),
    "variance/kernel": 0.3 * draw(4, LATENT), "variance/bias": 0.1 * draw(LATENT),
    "decoder/kernel": 0.5 * draw(LATENT, WIDTH), "decoder/bias": 0.1 * draw(WIDTH),
}


def loss_of(values, training):
    dense = lambda h, name, activation: keras.activations.get(activation)(tf.matmul(h, values[f"{name}/kernel"]) + values[f"{name}/bias"])
    encoded = dense(tf.constant(x), "encoder", "tanh")
    mean, log_variance = dense(encoded, "mean", "linear"), dense(encoded, "variance", "linear")
    noise = tf.raw_ops.StatelessRandomNormal(shape=[ROWS, LATENT], seed=SEED)
    latent = mean + tf.exp(0.5 * log_variance) * noise if training else mean
    rebuilt = dense(latent, "decoder", "sigmoid")
    kl = -0.5 * tf.reduce_sum(1 + log_variance - tf.square(mean) - tf.exp(log_variance), axis=1)
    crossentropy = keras.losses.binary_crossentropy(x, rebuilt)
    return crossentropy + KL * kl, kl, rebuilt


variables = {name: tf.Variable(value) for name, value in weights.items()}
with tf.GradientTape() as tape:
    losses, kl, rebuilt = loss_of(variables, True)
    total = tf.reduce_mean(losses)
gradients = tape.gradient(total, list(variables.values()))
at_rest, _, still = loss_of(variables, False)
flat = lambda tensor: [float(value) for value in np.asarray(tensor).ravel()]
print(json.dumps({
    "versions": {"keras": keras.__version__, "tensorflow": tf.__version__},
    "rows": ROWS, "width": WIDTH, "latent": LATENT, "seed": SEED, "klWeight": KL, "x": flat(x),
    "weights": {name: {"shape": list(value.shape), "values": flat(value)} for name, value in weights.items()},
    "training": {"loss": float(total), "kl": flat(kl), "rebuilt": flat(rebuilt), "gradients": {name: flat(gradient) for name, gradient in zip(variables, gradients)}},
    "inference": {"losses": flat(at_rest), "rebuilt": flat(still), "errors": flat(tf.reduce_mean(tf.square(x - still), axis=1))},
}))
