"""Warm epochs of one of the models of bench/training.ts in Keras: `python training_keras.py mlp 5`. Prints JSON: milliseconds per epoch,
and on TensorFlow of a one-row prediction. KERAS_BACKEND=jax trains on JAX."""
import json
import os
import sys
import time

os.environ["TF_CPP_MIN_LOG_LEVEL"] = "3"
import keras
import numpy as np

L = keras.layers
ON_TENSORFLOW = keras.backend.backend() == "tensorflow"


class Positions(L.Layer):
    def build(self, shape):
        self.positions = self.add_weight(shape=shape[1:], initializer="uniform")

    def call(self, x):
        return x + self.positions


def transformer(x):
    for _ in range(2):
        x = L.LayerNormalization(epsilon=1e-6)(x + L.MultiHeadAttention(4, 16)(x, x))
        x = L.LayerNormalization(epsilon=1e-6)(x + L.Dense(64)(L.Dense(128, "relu")(x)))
    return x


MODELS = {
    "mlp": (20_000, 32, (20,), 1, [L.Dense(64, "relu"), L.Dense(64, "relu"), L.Dense(1, "sigmoid")], "binary_crossentropy"),
    "lstm": (2_000, 64, (30, 16), 1, [L.LSTM(32), L.Dense(1)], "mse"),
    "cnn": (6_000, 128, (28, 28, 1), 10, [L.Conv2D(32, 3, activation="relu"), L.MaxPooling2D(2), L.Conv2D(64, 3, activation="relu"), L.MaxPooling2D(2), L.Flatten(), L.Dropout(0.5), L.Dense(10, "softmax")], "sparse_categorical_crossentropy"),
    "transformer": (2_000, 32, (64,), 1, [L.Embedding(5_000, 64), Positions(), transformer, L.GlobalAveragePooling1D(), L.Dense(1, "sigmoid")], "binary_crossentropy"),
    "longLstm": (256, 64, (300, 16), 1, [L.LSTM(32), L.Dense(1)], "mse"),
    "longGru": (256, 64, (300, 16), 1, [L.GRU(32), L.Dense(1)], "mse"),
}
rows, batch, shape, classes, layers, loss = MODELS[sys.argv[1]]
epochs = int(sys.argv[2])
random = np.random.default_rng(1)
tokens = isinstance(layers[0], L.Embedding)
x = random.integers(0, 5_000, size=(rows, *shape)).astype("int32") if tokens else random.normal(size=(rows, *shape)).astype("float32")
y = random.integers(0, max(2, classes), size=(rows,)).astype("int32" if classes > 1 else "float32")
inputs = output = keras.Input(shape, dtype="int32" if tokens else "float32")
for layer in layers:
    output = layer(output)
model = keras.Model(inputs, output)
model.compile("adam", loss, **({"jit_compile": False} if ON_TENSORFLOW else {}))
times = []
for turn in range(epochs + 1):
    if turn == 1:
        cpu = time.process_time()
    started = time.perf_counter()
    model.fit(x, y, batch_size=batch, epochs=1, verbose=0)
    times.append(1000 * (time.perf_counter() - started))
cpu = 1000 * (time.process_time() - cpu) / epochs
found = {"epochs": times[1:], "epochCpu": cpu, "firstEpoch": times[0]}
if ON_TENSORFLOW:
    import tensorflow as tf

    # The faster way of Keras for one row: a traced function, not `predict`.
    function = tf.function(lambda v: model(v, training=False))
    row = tf.constant(x[:1])
    function(row).numpy()
    predictions = []
    for _ in range(500):
        started = time.perf_counter()
        function(row).numpy()
        predictions.append(1000 * (time.perf_counter() - started))
    found |= {"oneRow": sorted(predictions)[250], "versions": f"keras {keras.__version__}, tensorflow {tf.__version__}"}
else:
    import jax

    found |= {"versions": f"keras {keras.__version__}, jax {jax.__version__}"}
print(json.dumps(found))
