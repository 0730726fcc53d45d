"""Reads the recorded events with the official libraries of CloudEvents and OpenLineage, and notes that they could be read.

  pip install cloudevents openlineage-python
  python test/golden/events/check_events.py

Every OpenLineage event is built anew from the classes of the library, which are generated from the standard's JSON schemas: a facet of
another version, a key that the schema does not know or that is missing, or a value of another type is an error. What the library writes
of it then has to be what was recorded.
"""

import hashlib
import importlib
import json
import pkgutil
import types
import typing
from importlib.metadata import version
from pathlib import Path

import attr
import openlineage.client.generated as generated
from cloudevents.core.bindings.http import HTTPMessage, from_http
from cloudevents.core.formats.json import JSONFormat
from openlineage.client.event_v2 import InputDataset, Job, OutputDataset, Run, RunEvent, RunState
from openlineage.client.serde import Serde

HERE = Path(__file__).parent
OWN = "https://openlineage.io/spec/2-0-2/OpenLineage.json#/$defs/RunFacet"

FACETS = {}
for module in pkgutil.iter_modules(generated.__path__):
    for item in vars(importlib.import_module(f"{generated.__name__}.{module.name}")).values():
        if isinstance(item, type) and attr.has(item) and hasattr(item, "_get_schema"):
            FACETS[item._get_schema()] = item


def built(kind, value):
    """The value as the type of the library, checked member by member."""
    origin, arguments = typing.get_origin(kind), typing.get_args(kind)
    if origin in (typing.Union, types.UnionType):
        if value is None:
            return None
        return built(next(one for one in arguments if one is not type(None)), value)
    if origin is list:
        return [built(arguments[0], one) for one in value]
    if origin is dict:
        return {key: built(arguments[1], one) for key, one in value.items()}
    if kind is typing.Any:
        return value
    if attr.has(kind):
        hints = typing.get_type_hints(kind)
        fields = {field.name.lstrip("_"): field for field in attr.fields(kind)}
        given = {key.lstrip("_"): one for key, one in value.items()}
        unknown = set(given) - set(fields)
        assert not unknown, f"{kind.__name__} has no {unknown}"
        given.pop("schemaURL", None)
        return kind(**{key: built(hints[fields[key].name], one) for key, one in given.items()})
    if kind is float:
        assert isinstance(value, (int, float)) and not isinstance(value, bool), f"{value!r} is no number"
        return value
    if isinstance(kind, type) and hasattr(kind, "__members__"):
        return kind(value)
    assert isinstance(value, kind) and (kind is bool or not isinstance(value, bool)), f"{value!r} is no {kind.__name__}"
    return value


def facets(values):
    result = {}
    for name, value in values.items():
        url = value["_schemaURL"]
        if url == OWN and name.startswith("perennial_"):
            continue
        assert url in FACETS, f"{name}: {url} is no facet of openlineage-python {version('openlineage-python')}"
        result[name] = built(FACETS[url], value)
    return result


def check_lineage(event):
    def dataset(kind, own, value):
        assert set(value) == {"namespace", "name", "facets", own}, set(value)
        return kind(value["namespace"], value["name"], facets=facets(value["facets"]), **{own: facets(value[own])})

    assert set(event) == {"eventTime", "producer", "schemaURL", "eventType", "run", "job", "inputs", "outputs"}, set(event)
    made = RunEvent(
        eventTime=event["eventTime"],
        producer=event["producer"],
        eventType=RunState[event["eventType"]],
        run=Run(event["run"]["runId"], facets=facets(event["run"]["facets"])),
        job=Job(event["job"]["namespace"], event["job"]["name"], facets=facets(event["job"]["facets"])),
        inputs=[dataset(InputDataset, "inputFacets", one) for one in event["inputs"]],
        outputs=[dataset(OutputDataset, "outputFacets", one) for one in event["outputs"]],
    )
    assert made.schemaURL == event["schemaURL"], made.schemaURL
    written, recorded = json.loads(Serde.to_json(made)), json.loads(json.dumps(event))
    recorded["run"]["facets"].pop("perennial_run", None)
    assert bare(written) == bare(recorded), (bare(written), bare(recorded))


def bare(value):
    """Without what is empty: the library leaves it out at some places, and writes it at others."""
    if isinstance(value, dict):
        members = {key: bare(one) for key, one in value.items() if key != "_deleted"}
        return {key: one for key, one in members.items() if one not in (None, {}, [])}
    if isinstance(value, list):
        return [bare(one) for one in value]
    return value


def check_cloud_event(event, content_type, body):
    read = from_http(HTTPMessage(headers={"content-type": content_type}, body=body.encode()), JSONFormat())
    assert read.get_id() == event["id"] and read.get_source() == event["source"] and read.get_type() == event["type"]
    assert read.get_specversion() == "1.0" and read.get_subject() == event["subject"]
    assert read.get_time().isoformat(timespec="milliseconds").replace("+00:00", "Z") == event["time"]
    assert read.get_datacontenttype() == "application/json" and read.get_data() == event["data"]


def check_binary(message, data):
    headers = {"content-type": message["contentType"], **message["headers"]}
    read = from_http(HTTPMessage(headers=headers, body=message["body"].encode()), JSONFormat())
    assert read.get_id() == message["id"] and read.get_type() == f"perennial.{message['type']}"
    assert read.get_subject() == message["subject"] and read.get_specversion() == "1.0" and read.get_data() == data


recorded = (HERE / "events.ndjson").read_bytes()
counts = {"cloudEvents": 0, "openLineage": 0, "cloudEvents binary": 0, "cloudEvents batch": 0}
for line in recorded.decode().strip().split("\n"):
    message = json.loads(line)
    event = json.loads(message["body"])
    if message["envelope"] == "cloudEvents":
        check_cloud_event(event, message["contentType"], message["body"])
    elif message["envelope"] == "cloudEvents binary":
        check_binary(message, event)
    elif message["envelope"] == "cloudEvents batch":
        assert message["contentType"].startswith("application/cloudevents-batch+json")
        for one in event:
            check_cloud_event(one, "application/cloudevents+json", json.dumps(one))
    else:
        check_lineage(event)
    counts[message["envelope"]] += 1

checked = {
    "sha256": hashlib.sha256(recorded).hexdigest(),
    "cloudevents": version("cloudevents"),
    "openlineage-python": version("openlineage-python"),
    "events": counts,
}
(HERE / "checked.json").write_text(json.dumps(checked, indent=2) + "\n")
print(checked)
