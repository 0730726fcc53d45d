"""What Keras 3, tf_keras and TensorFlow say of the exported files: exports.json.

    PERENNIAL_WRITE_EXPORTS=/tmp/exports npx vitest run test/golden/training/exports.test.ts
    python make_exports.py /tmp/exports        (needs keras, tf_keras and tensorflow)
"""
import hashlib
import json
import os
import pathlib
import sys

os.environ["TF_CPP_MIN_LOG_LEVEL"] = "3"
os.environ["TF_ENABLE_ONEDNN_OPTS"] = "0"
import keras
import numpy as np
import tensorflow as tf
import tf_keras

DIGESTED = ["kerasH5/model.h5", "kerasWeights/weights.h5", "kerasJson/model.json"]


def flat(array):
    return [float(value) for value in np.asarray(array, np.float32).ravel()]


def agree(a, b):
    assert np.abs(np.asarray(a) - np.asarray(b)).max() < 1e-5, "two readers disagree"


evidence = {}
for folder in sorted(pathlib.Path(sys.argv[1]).iterdir()):
    rows = [np.array(each["values"], each["dtype"]).reshape(each["shape"]) for each in json.loads((folder / "rows.json").read_text())]
    given = rows if len(rows) > 1 else rows[0]
    model = keras.models.load_model(folder / "kerasH5/model.h5")
    assert model.optimizer is not None, "not compiled"
    predictions = flat(model(given, training=False))
    for layer in model.weights:
        layer.assign(np.zeros(layer.shape))
    model.load_weights(folder / "kerasWeights/weights.h5")
    agree(flat(model(given, training=False)), predictions)
    old = None
    if "Keras 3 reads it" not in (folder / "kerasH5/README.txt").read_text():
        legacy = tf_keras.models.load_model(folder / "kerasH5/model.h5")
        old = flat(legacy(given, training=False))
        layers = tf_keras.models.model_from_json((folder / "kerasJson/model.json").read_text())
        layers.load_weights(folder / "kerasWeights/weights.h5")
        agree(flat(layers(given, training=False)), old)
    serve = tf.saved_model.load(folder / "savedModel").signatures["serving_default"]
    names = [each["name"] for each in json.loads((folder / "savedModel/assets.extra/signature.json").read_text())["inputs"]]
    asked = {count: serve(**{name: tf.constant(values[:count]) for name, values in zip(names, rows)}) for count in (1, 2, 7)}
    evidence[folder.name] = {
        "files": {name: hashlib.sha256((folder / name).read_bytes()).hexdigest() for name in DIGESTED},
        "keras": predictions, "tfKeras": old,
        "savedModel": {str(count): {name: flat(value) for name, value in outputs.items()} for count, outputs in asked.items()},
    }
pathlib.Path(__file__).with_name("exports.json").write_text(json.dumps(evidence) + "\n")
