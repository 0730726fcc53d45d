"""Measures of texts and points in time, by Python's own tables. Prints measures.json: python3 make_measures.py > measures.json"""
import datetime
import json
import unicodedata

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


moment = [datetime.datetime(1970, 1, 1) + datetime.timedelta(milliseconds=ms) for ms in MOMENTS]
print(
    json.dumps(
        {
            "texts": TEXTS,
            "moments": MOMENTS,
            "want": {
                "characters": [min(len(text), 2000) for text in TEXTS],
                "letters": [letters(text[:2000]) for text in TEXTS],
                "hour": [str(at.hour) for at in moment],
                "weekday": [at.strftime("%A") for at in moment],
                "month": [at.strftime("%B") for at in moment],
            },
        },
        indent=1,
    )
)
