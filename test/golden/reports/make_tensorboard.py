"""Reads events of Perennial with the real TensorBoard and writes down what it understands.

    python make_tensorboard.py FOLDER > tensorboard.json

FOLDER holds the events of training.json, as `npx vitest run test/golden/reports` writes them with EVENTS=FOLDER. Every record is
also written once more by TensorBoard's own writer: the bytes have to be equal, checksums included. Needs `pip install tensorboard`.
"""
import base64
import json
import os
import sys
import tempfile

from tensorboard.backend.event_processing.event_accumulator import EventAccumulator, STORE_EVERYTHING_SIZE_GUIDANCE
from tensorboard.backend.event_processing.event_file_loader import RawEventFileLoader
from tensorboard.compat.proto import event_pb2
from tensorboard.plugins.hparams import plugin_data_pb2
from tensorboard.summary.writer.record_writer import RecordWriter


def rewritten(path):
    with tempfile.TemporaryFile() as file:
        writer = RecordWriter(file)
        for record in RawEventFileLoader(path).Load():
            writer.write(event_pb2.Event.FromString(record).SerializeToString(deterministic=True))
        writer.flush()
        file.seek(0)
        return file.read()


def hparams(content):
    data = plugin_data_pb2.HParamsPluginData.FromString(content)
    if data.HasField("session_start_info"):
        info = data.session_start_info
        values = {name: getattr(value, value.WhichOneof("kind")) for name, value in sorted(info.hparams.items())}
        return {"group": info.group_name, "start": info.start_time_secs, "hparams": values}
    return {"status": data.session_end_info.status, "end": data.session_end_info.end_time_secs}


def read(folder):
    events = EventAccumulator(folder, size_guidance=STORE_EVERYTHING_SIZE_GUIDANCE)
    events.Reload()
    tags = events.Tags()
    found = {
        "scalars": {tag: [[e.wall_time, e.step, e.value] for e in events.Scalars(tag)] for tag in sorted(tags["scalars"])},
        "histograms": {
            tag: [
                [e.wall_time, e.step, h.min, h.max, h.num, h.sum, h.sum_squares, list(h.bucket_limit), list(h.bucket)]
                for e in events.Histograms(tag)
                for h in [e.histogram_value]
            ]
            for tag in sorted(tags["histograms"])
        },
        "images": {
            tag: [[e.wall_time, e.step, e.width, e.height, base64.b64encode(e.encoded_image_string).decode()] for e in events.Images(tag)]
            for tag in sorted(tags["images"])
        },
        "texts": {},
        "hparams": {},
    }
    for tag in sorted(tags["tensors"]):
        metadata = events.SummaryMetadata(tag).plugin_data
        if metadata.plugin_name == "text":
            found["texts"][tag] = [[e.step, e.tensor_proto.string_val[0].decode()] for e in events.Tensors(tag)]
        if metadata.plugin_name == "hparams":
            found["hparams"][tag] = hparams(metadata.content)
    if tags["graph"]:
        found["graph"] = [
            [n.name, n.op, list(n.input), [[d.size for d in s.dim] for s in n.attr["_output_shapes"].list.shape]] for n in events.Graph().node
        ]
    return {key: value for key, value in found.items() if value}


folder = sys.argv[1]
result = {}
for base, _, names in sorted(os.walk(folder)):
    for name in names:
        path = os.path.join(base, name)
        with open(path, "rb") as file:
            own = file.read()
        assert own == rewritten(path), f"{path} differs from what TensorBoard writes"
        result[os.path.relpath(base, folder)] = {"bytes": base64.b64encode(own).decode(), "read": read(base)}
json.dump(result, sys.stdout, indent=1, ensure_ascii=False)
print()
