"""The schemas of the lab plane, made from the catalogues and limits that the code itself uses."""

from collections.abc import Mapping
from dataclasses import Field
from typing import Any

from mock_server import profile
from mock_server.faults import chaos
from mock_server.faults.faults import CATALOGUE, LIMITS, MAX_TIMES, MAX_VALUE
from mock_server.guide import ORDERS, SPEEDS
from mock_server.history.schema import event_schemas, marker_schemas
from mock_server.lots import seed
from mock_server.model import LATEST_MS, Cell, DeviceKind, JsonObject
from mock_server.shapes import schema_of
from mock_server.web.lab.projects import KEY_PATTERN, MAX_SECRET_LENGTH, SECRET_PATTERN
from mock_server.web.openapi_parts import Schemas, answered, array, closed, described, integer, ref, text
from mock_server.wire.encryption import MIN_SECRET_LENGTH

_STRING: JsonObject = {"type": "string"}
_COUNT: JsonObject = {"type": "integer", "minimum": 0}
_DEVICE_ID = text(1, 64, seed.DEVICE_ID_PATTERN)


def lab_schemas() -> Schemas:
    """Every schema of the lab plane by its name."""
    return _asked() | _told() | _history()


def _asked() -> Schemas:
    """What request bodies are made of."""
    return {
        "NewProject": _new_project(),
        "NewDevice": closed(_device_fields()),
        "DeviceChange": closed({name: _device_fields()[name] for name in ("device_name", "supplier_code", "online")}),
        "NewRecord": {"oneOf": [_new_pass({}), _new_bill({})]},
        "Uplink": _uplink(),
        "Seed": _seed(),
        "SeedRecord": {"oneOf": [_new_pass({"device_id": _DEVICE_ID}), _new_bill({"device_id": _DEVICE_ID})]},
        "Profile": _profile(),
        "Chaos": _chaos(),
        "Fault": _fault(),
        "Clock": _clock(),
        "GuideOrder": closed({"order": {"enum": list(ORDERS)}, "speed": {"enum": list(SPEEDS)}, "act": integer(0, 99)}),
    }


def _told() -> Schemas:
    """What answers are made of."""
    return {
        "Error": _error(),
        "Health": answered({"status": {"const": "ok"}, "version": _STRING}),
        "Exports": answered(_exports()),
        "Project": _project(),
        "Device": answered(_device_fields()),
        "Record": _record(),
        "Faults": _faults(),
        "DirectedFault": _directed({}),
        "ChaosRun": _chaos_run(),
        "Pending": answered({"messages": _COUNT, "timers": _COUNT}),
        "Idle": answered({"idle": {"type": "boolean"}, "now_ms": _COUNT, "pending": ref("Pending")}),
        "Rereport": _rereport(),
        "Guide": _guide(),
    }


def _guide() -> JsonObject:
    said: Schemas = {"who": {"enum": ["lot", "queue", "client", None]}, "caption": _STRING, "lines": array(_STRING)}
    places: Schemas = {"number": _COUNT, "project": _STRING, "acts": array(_STRING), "act": _COUNT, "step": _COUNT}
    going: Schemas = {"paused": {"type": "boolean"}, "speed": {"enum": list(SPEEDS)}, "ended": {"type": "boolean"}}
    cell: Schemas = {"cell": {"type": ["object", "null"]}}
    return answered(places | said | cell | going)


def _history() -> Schemas:
    """The lines of the history."""
    kinds = event_schemas()
    markers = marker_schemas()
    line: JsonObject = {"oneOf": [ref(name) for name in (*kinds, "HistoryDropped")]}
    return kinds | markers | {"HistoryLine": line}


def _error() -> JsonObject:
    code = described(_STRING, "stable: programs may depend on it")
    message = described(_STRING, "what to do")
    return answered({"error": answered({"code": code, "message": message})})


def _exports() -> Schemas:
    names = ("api", "ws", "lab", "access_id", "access_secret")
    return dict.fromkeys(names, _STRING) | {"devices": array(ref("Device"))}


def _project() -> JsonObject:
    return answered(
        _exports()
        | {
            "clock": {"enum": ["virtual", "system"]},
            "now_ms": _COUNT,
            "records": _counts("records by device"),
            "chaos": ref("ChaosRun"),
            "struck": _counts("faults that struck, by kind"),
            "profile": {"type": "object", "description": "every open point and its answer"},
            "history": described(_COUNT, "the number of the newest entry"),
            "pending": ref("Pending"),
        }
    )


def _counts(doc: str) -> JsonObject:
    return {"type": "object", "additionalProperties": _COUNT, "description": doc}


def _device_fields() -> Schemas:
    return {
        "device_id": _DEVICE_ID,
        "device_name": text(0, 128),
        "supplier_code": text(1, 64, doc="the brand; `jieshun` does not support records/sync"),
        "kind": {"enum": [kind.value for kind in DeviceKind]},
        "online": {"type": "boolean"},
    }


def _record_fields(extra: Mapping[str, JsonObject]) -> Schemas:
    return dict(extra) | {
        "record_id": text(1, 64),
        "event_time": integer(doc="epoch ms: pass time of a pass, payment time of a bill"),
        "plate_no": text(0, 32),
        "uplink": ref("Uplink"),
    }


def _details(names: tuple[str, ...]) -> Schemas:
    return {name: text(0, 1024) if name in seed.TEXT_DETAILS else integer() for name in names}


def _new_pass(extra: Mapping[str, JsonObject]) -> JsonObject:
    direction: JsonObject = {"enum": [0, 1], "description": "0 enter, 1 leave"}
    kind: Schemas = {"data_type": {"const": 0}, "pass_direction": direction}
    properties = kind | _record_fields(extra) | _details(seed.PASS_DETAILS)
    return closed(properties, ("data_type", "pass_direction", "event_time", *extra), "a vehicle pass")


def _new_bill(extra: Mapping[str, JsonObject]) -> JsonObject:
    properties = {"data_type": {"const": 1}} | _record_fields(extra) | _details(seed.BILL_DETAILS)
    return closed(properties, ("data_type", "event_time", *extra), "a temporary parking bill; amounts are fen")


def _record() -> JsonObject:
    properties: Schemas = {"device_id": _STRING, "data_type": {"enum": [0, 1]}, "pass_direction": {"enum": [0, 1]}}
    optional = ("pass_direction", "uplink")
    return answered(properties | _record_fields({}), optional, "a record as the lot keeps it, and its kind's details")


def _uplink() -> JsonObject:
    delay = closed({"delay_ms": integer()}, ("delay_ms",))
    doc = "what happens to the record's message on its way, faults or no faults"
    return {"oneOf": [{"enum": ["deliver", "lose", "duplicate"]}, delay], "description": doc}


def _seed() -> JsonObject:
    properties: Schemas = {
        "format": {"const": seed.FORMAT},
        "version": {"const": seed.VERSION},
        "comment": {},
        "devices": array(ref("NewDevice"), 1, seed.MAX_DEVICES),
        "records": array(ref("SeedRecord"), 0, seed.MAX_RECORDS),
    }
    doc = "a seed file; every record's device_id is one of its lots, every device_id is there once"
    return closed(properties, ("format", "version", "devices"), doc)


def _new_project() -> JsonObject:
    properties: Schemas = {
        "access_id": text(1, 64, KEY_PATTERN),
        "access_secret": text(MIN_SECRET_LENGTH, MAX_SECRET_LENGTH, SECRET_PATTERN),
        "devices": array(ref("NewDevice"), 1, seed.MAX_DEVICES),
        "seed": {"oneOf": [integer(doc="of all randomness"), ref("Seed")]},
        "profile": ref("Profile"),
        "chaos": ref("Chaos"),
        "clock": {"enum": ["system", "virtual"], "default": "system"},
        "now_ms": integer(0, LATEST_MS, "where a virtual clock starts"),
    }
    virtual = {"properties": {"clock": {"const": "virtual"}}, "required": ["clock"]}
    no_file = {"properties": {"seed": {"type": "integer"}}}
    return closed(properties) | {"dependentSchemas": {"now_ms": virtual, "devices": no_file}}


def _profile() -> JsonObject:
    presets: JsonObject = {"enum": list(profile.PRESETS)}
    points = {point.name: _open_point(point) for point in profile.open_points()}
    doc = "what the vendor's pages leave open: a preset, or single answers on top of a `base` preset"
    return {"oneOf": [presets, closed({"base": presets} | points)], "description": doc}


def _open_point(point: Field[Any]) -> JsonObject:
    doc = f"{point.metadata['point']}: {point.metadata['doc']}"
    return profile.values_of(point).schema() | {"default": point.default, "description": doc}


def _chaos() -> JsonObject:
    presets: JsonObject = {"enum": list(chaos.PRESETS)}
    settings = {"preset": presets, "seed": integer(), "budget": integer(0, chaos.MAX_BUDGET, "how many faults at most")}
    return {"oneOf": [presets, closed(settings, ("preset",))], "description": "faults at random, from one seed"}


def _chaos_run() -> JsonObject:
    kinds = array({"enum": list(CATALOGUE)})
    run: Schemas = {"preset": {"enum": list(chaos.PRESETS)}, "seed": _COUNT, "budget": _COUNT, "used": _COUNT}
    return answered(run | {"kinds": kinds}, doc="a run of chaos: what it may do, and what of its budget is used")


def _fault() -> JsonObject:
    """One variant for each parameter that kinds have."""
    named: dict[str, list[str]] = {}
    for kind in CATALOGUE.values():
        named.setdefault(kind.value, []).append(kind.name)
    catalogue = "\n".join(f"- `{kind.name}`: {kind.doc}" for kind in CATALOGUE.values())
    return {"oneOf": [_fault_of(*each) for each in named.items()], "description": catalogue}


def _fault_of(value: str, kinds: list[str]) -> JsonObject:
    own = {value: integer(0, MAX_VALUE)} if value else {}
    return closed({"kind": {"enum": kinds}, **own, **_limits()}, ("kind",))


def _limits() -> Schemas:
    return {
        "times": integer(1, MAX_TIMES, "how often it strikes; once if not given") | {"default": 1},
        "skip": integer(0, MAX_TIMES, "how many occasions pass before"),
        "device_id": text(1, 64, doc="only there"),
        "data_type": {"enum": [0, 1], "description": "only such records"},
        "path": text(1, 256, doc="only calls whose path begins so"),
        "record_id": text(1, 64, doc="only this record"),
    }


def _directed(more: Schemas) -> JsonObject:
    return answered({"kind": {"enum": list(CATALOGUE)}, **_limits(), **more}, LIMITS)


def _faults() -> JsonObject:
    directed = array(_directed({"struck": _COUNT}))
    return answered({"directed": directed, "chaos": ref("ChaosRun"), "struck": _counts("how often, by kind")})


def _clock() -> JsonObject:
    ways = [closed({name: integer(0, LATEST_MS)}, (name,)) for name in ("advance_ms", "to_ms")]
    return {"oneOf": ways, "description": "by how much, or until when; not into the past"}


def _rereport() -> JsonObject:
    return answered(
        {
            "sn": _STRING,
            "time": _COUNT,
            "cell": schema_of(Cell),
            "claimed": _COUNT,
            "counted": _COUNT,
            "record_ids": array(_STRING),
            "message_ids": array(_STRING),
        }
    )
