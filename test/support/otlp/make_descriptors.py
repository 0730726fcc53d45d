"""Writes otlp.binpb, a FileDescriptorSet of OTLP, from the wheel of opentelemetry-proto: the official descriptors, byte for byte.

pip download opentelemetry-proto==1.45.2 --no-deps -d /tmp/otlp
python3 make_descriptors.py /tmp/otlp/opentelemetry_proto-1.45.2-py3-none-any.whl
"""

import ast
import pathlib
import sys
import zipfile

# In the order of their imports.
FILES = [
    "opentelemetry/proto/common/v1/common_pb2.py",
    "opentelemetry/proto/resource/v1/resource_pb2.py",
    "opentelemetry/proto/trace/v1/trace_pb2.py",
    "opentelemetry/proto/metrics/v1/metrics_pb2.py",
    "opentelemetry/proto/collector/trace/v1/trace_service_pb2.py",
    "opentelemetry/proto/collector/metrics/v1/metrics_service_pb2.py",
]


def serialized(source: str) -> bytes:
    """The argument of AddSerializedFile, which is the file's descriptor."""
    for node in ast.walk(ast.parse(source)):
        if isinstance(node, ast.Call) and getattr(node.func, "attr", "") == "AddSerializedFile":
            return ast.literal_eval(node.args[0])
    raise SystemExit("no descriptor in the file")


def varint(value: int) -> bytes:
    out = bytearray()
    while value > 0x7F:
        out.append(value & 0x7F | 0x80)
        value >>= 7
    out.append(value)
    return bytes(out)


with zipfile.ZipFile(sys.argv[1]) as wheel:
    parts = [serialized(wheel.read(name).decode()) for name in FILES]
# FileDescriptorSet: field 1, repeated, length-delimited.
whole = b"".join(b"\x0a" + varint(len(part)) + part for part in parts)
pathlib.Path(__file__).with_name("otlp.binpb").write_bytes(whole)
print(len(whole), "bytes")
