"""The schemas of the lab plane, made from its shapes and from the catalogues that the code itself uses."""

from dataclasses import Field
from typing import Any

from mock_server import lab_shapes as shapes
from mock_server import profile
from mock_server.faults.catalogue import CATALOGUE
from mock_server.faults.faults import LIMITS, MAX_TIMES, MAX_VALUE
from mock_server.history.schema import event_schemas, marker_schemas
from mock_server.model import JsonObject
from mock_server.shapes import closed_schema, fields_of, open_schema, schema_of
from mock_server.web.openapi_parts import Schemas, answered, array, closed, integer, ref, text

_REQUESTS: dict[Any, str] = {
    shapes.NewProject: "NewProject",
    shapes.NewDevice: "NewDevice",
    shapes.DeviceChange: "DeviceChange",
    shapes.NewSubscription: "NewSubscription",
    shapes.NewCheckpoint: "NewCheckpoint",
    shapes.ForkOrder: "ForkOrder",
    shapes.SeedJson: "Seed",
    shapes.GuideOrder: "GuideOrder",
}
_ANSWERS: dict[Any, str] = {
    shapes.ErrorJson: "Error",
    shapes.HealthJson: "Health",
    shapes.Exports: "Exports",
    shapes.ProjectJson: "Project",
    shapes.DeviceJson: "Device",
    shapes.SubscriptionJson: "Subscription",
    shapes.CheckpointJson: "Checkpoint",
    shapes.ForkJson: "Fork",
    shapes.RecordJson: "Record",
    shapes.ChaosRunJson: "ChaosRun",
    shapes.PendingWork: "Pending",
    shapes.IdleJson: "Idle",
    shapes.ClockJson: "ClockAnswer",
    shapes.RereportJson: "Rereport",
    shapes.GuideJson: "Guide",
}
_CHOICES: dict[Any, str] = {
    shapes.NewRecordJson: "NewRecord",
    shapes.SeedRecordJson: "SeedRecord",
    shapes.UplinkJson: "Uplink",
    shapes.ProfileJson: "Profile",
    shapes.ChaosJson: "Chaos",
}
_DEPENDENT = {
    "now_ms": {"properties": {"clock": {"const": "virtual"}}, "required": ["clock"]},
    "devices": {"properties": {"seed": {"type": "integer"}}},
}
"""Fields of `NewProject` that are allowed with certain values of others only."""

_NAMES = _REQUESTS | _ANSWERS | _CHOICES


def lab_schemas() -> Schemas:
    """Every schema of the lab plane by its name."""
    requests = {name: closed_schema(shape, _NAMES) for shape, name in _REQUESTS.items()}
    requests["NewProject"] |= {"dependentSchemas": _DEPENDENT}
    requests["ForkOrder"] |= {"not": {"required": ["at", "checkpoint"]}}
    answers = {name: open_schema(shape, _NAMES) for shape, name in _ANSWERS.items()}
    return requests | answers | _choices() | _faults() | _history()


def _choices() -> Schemas:
    """The schemas of values with several forms."""
    uplink = "what happens to the record's message on its way, faults or no faults"
    chaos = "faults at random, from one seed"
    ways = [closed({name: schema_of(hint)}, (name,)) for name, hint in fields_of(shapes.ClockMove).items()]
    return {
        "NewRecord": _one_of(closed_schema(shapes.NewPass, _NAMES), closed_schema(shapes.NewBill, _NAMES)),
        "SeedRecord": _one_of(closed_schema(shapes.SeedPass, _NAMES), closed_schema(shapes.SeedBill, _NAMES)),
        "Uplink": _one_of(schema_of(shapes.UplinkWord), closed_schema(shapes.Delay), doc=uplink),
        "Profile": _profile(),
        "Chaos": _one_of(schema_of(shapes.ChaosPreset), closed_schema(shapes.ChaosSettings), doc=chaos),
        "Clock": _one_of(*ways, doc="by how much, or until when; not into the past"),
    }


def _one_of(*schemas: JsonObject, doc: str = "") -> JsonObject:
    return {"oneOf": list(schemas)} | ({"description": doc} if doc else {})


def _history() -> Schemas:
    """The schemas of the history's entries."""
    kinds = event_schemas()
    return kinds | marker_schemas() | {"HistoryLine": _one_of(*(ref(name) for name in (*kinds, "HistoryDropped")))}


def _profile() -> JsonObject:
    presets: JsonObject = {"enum": list(profile.PRESETS)}
    points = {point.name: _open_point(point) for point in profile.open_points()}
    doc = "what the vendor's pages leave open: a preset, or single answers on top of a `base` preset"
    return _one_of(presets, closed({"base": presets} | points), doc=doc)


def _open_point(point: Field[Any]) -> JsonObject:
    doc = f"{point.metadata['point']}: {point.metadata['doc']}"
    return profile.values_of(point).schema() | {"default": point.default, "description": doc}


def _faults() -> Schemas:
    directed = array(_directed({"struck": schema_of(shapes.Count)}))
    struck = schema_of(shapes.Struck)
    return {
        "Fault": _fault(),
        "DirectedFault": _directed({}),
        "Faults": answered({"directed": directed, "chaos": ref("ChaosRun"), "struck": struck}),
    }


def _fault() -> JsonObject:
    """The schemas of faults: one for each parameter, of the kinds that have it."""
    named: dict[str, list[str]] = {}
    for kind in CATALOGUE.values():
        named.setdefault(kind.parameter, []).append(kind)
    catalogue = "\n".join(f"- `{kind}`: {kind.doc}" for kind in CATALOGUE.values())
    return _one_of(*(_fault_of(*each) for each in named.items()), doc=catalogue)


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
