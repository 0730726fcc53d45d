"""Writes augmentation.json: what Keras 3 and TensorFlow make of images where the draws are given.

    python make_augmentation.py        (with keras 3 and tensorflow 2.21)

`draws` are numbers in [0, 1), per image one for each number that a layer draws.
"""
import json
import math
import os

os.environ["KERAS_BACKEND"] = "tensorflow"
os.environ["TF_CPP_MIN_LOG_LEVEL"] = "3"
import keras  # noqa: E402
import numpy as np  # noqa: E402
import tensorflow as tf  # noqa: E402

rng = np.random.default_rng(7)
ROWS = 4
cases = []


def flat(values):
    values = np.asarray(values, "float32")
    return {"shape": list(values.shape), "values": [round(float(v), 6) for v in values.ravel()]}


def add(kind, config, images, drawn, output):
    cases.append({"type": kind, "config": config, "images": flat(images), "draws": flat(drawn), "output": flat(output)})


def sides(factor):
    return (-abs(factor), abs(factor)) if np.isscalar(factor) else (min(factor), max(factor))


def spread(drawn, factor):
    low, high = sides(factor)
    return (low + drawn * (high - low)).astype("float32")


def images(height=5, width=6, channels=1):
    return np.round(rng.uniform(0, 1, size=(ROWS, height, width, channels)), 3).astype("float32")


def draws(count):
    return np.round(rng.uniform(size=(ROWS, count)), 4).astype("float32")


def rotation(factor, **fill):
    x, u = images(), draws(1)
    layer = keras.layers.RandomRotation(factor, **fill)
    angle = spread(u[:, 0], factor) * 360
    zeros, ones = np.zeros(ROWS, "float32"), np.ones(ROWS, "float32")
    matrix = layer._compute_affine_matrix(0.5, 0.5, keras.ops.convert_to_tensor(angle), zeros, zeros, ones, zeros, zeros, height=5, width=6)
    add("randomRotation", own(fill, factor=factor), x, u, layer.transform_images(x, {"rotation_matrix": matrix}))


def own(fill, **config):
    names = {"fill_mode": "fillMode", "interpolation": "interpolation", "fill_value": "fillValue"}
    return {**config, **{names[key]: value for key, value in fill.items()}}


def zoom(high, wide, **fill):
    x, u = images(), draws(2)
    layer = keras.layers.RandomZoom(high, wide, **fill)
    heights = 1 + spread(u[:, 0:1], high)
    widths = heights if wide is None else 1 + spread(u[:, 1:2], wide)
    config = own(fill, heightFactor=high, **({} if wide is None else {"widthFactor": wide}))
    add("randomZoom", config, x, u, layer.transform_images(x, {"height_zoom": heights, "width_zoom": widths, "input_shape": x.shape}))


def translation(high, wide, **fill):
    x, u = images(), draws(2)
    layer = keras.layers.RandomTranslation(high, wide, **fill)
    moves = np.concatenate([spread(u[:, 1:2], wide) * 6, spread(u[:, 0:1], high) * 5], 1)
    add("randomTranslation", own(fill, heightFactor=high, widthFactor=wide), x, u, layer.transform_images(x, {"translations": keras.ops.convert_to_tensor(moves)}))


def shear(wide, high, **fill):
    x, u = images(), draws(2)
    layer = keras.layers.RandomShear(0.5, 0.5, **{"fill_mode": "reflect", **fill})
    slants = np.concatenate([spread(u[:, 0:1], wide), spread(u[:, 1:2], high)], 1)
    add("randomShear", own(fill, widthFactor=wide, heightFactor=high), x, u, layer.transform_images(x, {"shear_factor": keras.ops.convert_to_tensor(slants)}))


for mode in ["reflect", "constant", "nearest", "wrap"]:
    for interpolation in ["bilinear", "nearest"]:
        fill = {"fill_mode": mode, "interpolation": interpolation, "fill_value": 0.25}
        rotation(0.5, **fill)
        zoom(0.9, 0.5, **fill)
        translation(0.8, [-0.3, 0.9], **fill)
        shear(0.7, 0.4, **fill)
rotation([0.1, 0.2])
zoom(0.4, None)
zoom([-0.5, -0.1], None)
translation(0.2, 0.1)

for mode, flips in [("horizontal", [2]), ("vertical", [1]), ("both", [2, 1])]:
    x, u = images(), draws(len(flips))
    output = x
    for column, axis in enumerate(flips):
        output = np.where(u[:, column].reshape(-1, 1, 1, 1) < 0.5, np.flip(output, axis), output)
    add("randomFlip", {"mode": mode}, x, u, output)

for factor, value_range in [(0.4, [0, 1]), ([-0.1, 0.6], [0, 1]), (0.3, [-1, 1])]:
    x, u = images(), draws(1)
    layer = keras.layers.RandomBrightness(factor, value_range=value_range)
    delta = spread(u, factor).reshape(-1, 1, 1, 1) * (value_range[1] - value_range[0])
    add("randomBrightness", {"factor": factor, "valueRange": value_range}, x, u, layer.transform_images(keras.ops.convert_to_tensor(x), {"rgb_delta": delta}))

for factor, low, high in [(0.6, 0.4, 1.6), ([0.2, 0.9], 0.8, 1.9)]:
    x, u = images(), draws(1)
    layer = keras.layers.RandomContrast(0.5, value_range=(0, 1))
    strength = (low + u * (high - low)).astype("float32").reshape(-1, 1, 1, 1)
    add("randomContrast", {"factor": factor}, x, u, layer.transform_images(keras.ops.convert_to_tensor(x), {"contrast_factor": strength}))

for factor, low, high in [(0.5, 0.5, 1.5), ([0.9, 1.0], 0.1, 2.0)]:
    x, u = images(channels=3), draws(1)
    x[0, 0, 0] = 0.5
    x[0, 0, 1] = 0
    output = [tf.image.adjust_saturation(image, low + float(draw[0]) * (high - low)) for image, draw in zip(x, u)]
    add("randomSaturation", {"factor": factor}, x, u, output)

for factor in [1.0, 0.2, [0.3, 0.5]]:
    x, u = images(channels=3), draws(1)
    x[0, 0, 0] = 0.5
    x[0, 0, 1] = 0
    output = [tf.image.adjust_hue(image, float(delta[0]) * 0.5) for image, delta in zip(x, spread(u, factor))]
    add("randomHue", {"factor": factor}, x, u, output)

for padding, mode in [(0, None), (3, None), (2, "reflect")]:
    x, u = images(), draws(2)
    output = []
    for image, (first, second) in zip(x, u):
        fill = {"constant_values": 0} if mode is None else {"mode": "symmetric"}
        padded = np.pad(image, [(padding, padding), (padding, padding), (0, 0)], **fill)
        top, left = math.floor(first * (5 + 2 * padding - 4 + 1)), math.floor(second * (6 + 2 * padding - 5 + 1))
        output.append(padded[top:top + 4, left:left + 5])
    add("randomCrop", {"height": 4, "width": 5, "padding": padding, **({} if mode is None else {"fillMode": mode})}, x, u, output)

x, u = images(8, 10), draws(5)
layer = keras.layers.RandomErasing(value_range=(0, 1), fill_value=0.5)
high, wide = np.sqrt(0.05 + u[:, 1] * 0.45).astype("float32") * 8, np.sqrt(0.05 + u[:, 2] * 0.45).astype("float32") * 10
y0, x0 = u[:, 3] * (8 - high), u[:, 4] * (10 - wide)
masks = layer._generate_batch_mask(x.shape, [keras.ops.convert_to_tensor(v) for v in (x0, x0 + wide, y0, y0 + high)])
output = layer.transform_images(x, {"batch_masks": masks, "apply_erasing": keras.ops.convert_to_tensor(u[:, 0] < 0.6), "fill_value": keras.ops.convert_to_tensor(np.full_like(x, 0.5))})
add("randomErasing", {"probability": 0.6, "scale": [0.05, 0.5], "fillValue": 0.5}, x, u, output)

for config, layer in [
    ({"height": 4, "width": 5}, keras.layers.CenterCrop(4, 5)), ({"height": 5, "width": 3}, keras.layers.CenterCrop(5, 3)),
]:
    x = images()
    add("centerCrop", config, x, np.zeros((ROWS, 0)), layer(x))
for config, layer in [
    ({"height": 4, "width": 5}, keras.layers.Resizing(4, 5)),
    ({"height": 14, "width": 20}, keras.layers.Resizing(14, 20)),
    ({"height": 10, "width": 4, "interpolation": "nearest"}, keras.layers.Resizing(10, 4, interpolation="nearest")),
    ({"height": 6, "width": 6, "fit": "cover"}, keras.layers.Resizing(6, 6, crop_to_aspect_ratio=True)),
    ({"height": 5, "width": 9, "fit": "cover"}, keras.layers.Resizing(5, 9, crop_to_aspect_ratio=True)),
    ({"height": 9, "width": 9, "fit": "contain", "fillValue": 0.5}, keras.layers.Resizing(9, 9, pad_to_aspect_ratio=True, fill_value=0.5)),
]:
    x = images(8, 12)
    add("resizing", config, x, np.zeros((ROWS, 0)), layer(x))

with open(os.path.join(os.path.dirname(os.path.abspath(__file__)), "augmentation.json"), "w") as file:
    file.write("{\n \"cases\": [\n" + ",\n".join("  " + json.dumps(case) for case in cases) + "\n ]\n}\n")
