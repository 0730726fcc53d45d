"""
Measures of texts and points in time, by Python's own tables; of images by Pillow, NumPy and OpenCV. Prints measures.json:

    pip install pillow numpy opencv-python-headless && python3 make_measures.py > measures.json
"""
import colorsys
import datetime
import json
import unicodedata

import cv2
import numpy as np
from PIL import Image, ImageStat

TEXTS = [
    "Hello, world!",
    "  Größe: 12,5 cm\t",
    "नमस्ते दुनिया",
    "12345 67",
    "😀😀 ok",
    "naïve cafe\u0301",
    "我昨天在北京",
    "a",
    "x" * 3000,
]
MOMENTS = [0, 951782400000, 1711846800000, 1730000000000, 4102444799999, -1, 1772323199999]


def letters(text):
    visible = [c for c in text if not c.isspace()]
    return sum(unicodedata.category(c)[0] in "LM" for c in visible) / len(visible)


def images():
    """Noise, a grey ramp, one colour, black, a single row, a single pixel: height x width x RGB."""
    random = np.random.default_rng(0)
    ramp = np.repeat(np.arange(0, 240, 20, dtype=np.uint8).reshape(3, 4, 1), 3, axis=2)
    return [
        random.integers(0, 256, (7, 5, 3), dtype=np.uint8),
        random.integers(90, 140, (4, 6, 3), dtype=np.uint8),
        ramp,
        np.full((3, 2, 3), (250, 10, 120), dtype=np.uint8),
        np.zeros((2, 2, 3), dtype=np.uint8),
        random.integers(0, 256, (1, 6, 3), dtype=np.uint8),
        random.integers(0, 256, (1, 1, 3), dtype=np.uint8),
    ]


def measures_of(pixels):
    image = Image.fromarray(pixels)
    luma = ImageStat.Stat(image.convert("L"))
    light = pixels.reshape(-1, 3).sum(axis=0, dtype=float)
    shares = [None] * 3 if light.sum() == 0 else list(light / light.sum())
    return {
        "width": image.width,
        "height": image.height,
        "aspectRatio": image.width / image.height,
        "brightness": luma.mean[0] / 255,
        "contrast": luma.stddev[0] / 255,
        "saturation": float(np.mean([colorsys.rgb_to_hsv(*(pixel / 255))[1] for pixel in pixels.reshape(-1, 3)])),
        "sharpness": float(cv2.Laplacian(np.asarray(image.convert("L")), cv2.CV_64F).var()),
        "red": shares[0],
        "green": shares[1],
        "blue": shares[2],
    }


IMAGES = images()
measured = [measures_of(pixels) for pixels in IMAGES]
moment = [datetime.datetime(1970, 1, 1) + datetime.timedelta(milliseconds=ms) for ms in MOMENTS]
print(
    json.dumps(
        {
            "texts": TEXTS,
            "moments": MOMENTS,
            "images": [
                {"height": pixels.shape[0], "width": pixels.shape[1], "data": pixels.tobytes().hex()} for pixels in IMAGES
            ],
            "want": {
                "characters": [min(len(text), 2000) for text in TEXTS],
                "letters": [letters(text[:2000]) for text in TEXTS],
                "hour": [str(at.hour) for at in moment],
                "weekday": [at.strftime("%A") for at in moment],
                "month": [at.strftime("%B") for at in moment],
                **{name: [one[name] for one in measured] for name in measured[0]},
            },
        },
        indent=1,
    )
)
