"""The `protobuf` runtime as an oracle for our codec: its descriptors are made from our own message types."""

from functools import cache
from typing import Any

from google.protobuf import descriptor_pb2, descriptor_pool, message_factory

from mock_server.wire.protobuf import WireField, fields_of_message
from mock_server.wire.pulsar_commands import COMMANDS, MessageMetadata, PulsarCommand

_FIELD = descriptor_pb2.FieldDescriptorProto
_PACKAGE = "oracle"


@cache
def message_classes() -> dict[str, Any]:
    """The runtime's class for each of our message types by name, and for `BaseCommand`, which holds any command."""
    file = descriptor_pb2.FileDescriptorProto(name="oracle.proto", package=_PACKAGE, syntax="proto2")
    done: set[str] = set()
    for shape in (*COMMANDS.values(), MessageMetadata):
        _add(file, shape, done)
    base = file.message_type.add(name="BaseCommand")
    base.field.add(name="type", number=1, type=_FIELD.TYPE_INT32, label=_FIELD.LABEL_REQUIRED)
    for number, shape in COMMANDS.items():
        base.field.add(
            name=f"c{number}",
            number=number,
            type=_FIELD.TYPE_MESSAGE,
            label=_FIELD.LABEL_OPTIONAL,
            type_name=f".{_PACKAGE}.{shape.__name__}",
        )
    pool = descriptor_pool.DescriptorPool()
    pool.Add(file)
    names = (*done, "BaseCommand")
    return {name: message_factory.GetMessageClass(pool.FindMessageTypeByName(f"{_PACKAGE}.{name}")) for name in names}


def _add(file: descriptor_pb2.FileDescriptorProto, shape: Any, done: set[str]) -> None:
    if shape.__name__ in done:
        return
    done.add(shape.__name__)
    fields = fields_of_message(shape)
    for each in fields:
        if each.kind == "message":
            _add(file, each.shape, done)
    message = file.message_type.add(name=shape.__name__)
    for each in fields:
        message.field.add(**_described(each))


def _described(field: WireField) -> dict[str, Any]:
    once = _FIELD.LABEL_REQUIRED if field.required else _FIELD.LABEL_OPTIONAL
    described = {
        "name": field.name,
        "number": field.number,
        "type": getattr(_FIELD, f"TYPE_{field.kind.upper()}"),
        "label": _FIELD.LABEL_REPEATED if field.repeated else once,
    }
    if field.kind == "message":
        described["type_name"] = f".{_PACKAGE}.{field.shape.__name__}"
    return described


def to_oracle(message: tuple[Any, ...]) -> Any:
    """One of our messages as the runtime's."""
    theirs = message_classes()[type(message).__name__]()
    fill(theirs, message)
    return theirs


def fill(theirs: Any, message: tuple[Any, ...]) -> None:
    """Give the runtime's message the fields of one of ours."""
    theirs.SetInParent()
    for field, value in zip(fields_of_message(type(message)), message, strict=True):
        if field.kind == "message":
            for each in value if field.repeated else () if value is None else (value,):
                fill(getattr(theirs, field.name).add() if field.repeated else getattr(theirs, field.name), each)
        elif field.repeated:
            getattr(theirs, field.name).extend(value)
        elif value is not None:
            setattr(theirs, field.name, value)


def from_oracle(theirs: Any, shape: Any) -> Any:
    """One of the runtime's messages as ours."""
    return shape(*(_ours(theirs, field) for field in fields_of_message(shape)))


def _ours(theirs: Any, field: WireField) -> Any:
    value = getattr(theirs, field.name)
    if field.repeated:
        return tuple(from_oracle(each, field.shape) if field.kind == "message" else each for each in value)
    if not theirs.HasField(field.name):
        return _default(field)
    return from_oracle(value, field.shape) if field.kind == "message" else value


def _default(field: WireField) -> Any:
    return 0 if field.name == "protocol_version" else None


def oracle_command(command: PulsarCommand) -> bytes:
    """The `BaseCommand` of a command, written by the runtime."""
    number = next(number for number, shape in COMMANDS.items() if shape is type(command))
    base = message_classes()["BaseCommand"](type=number)
    fill(getattr(base, f"c{number}"), command)
    content: bytes = base.SerializeToString(deterministic=True)
    return content


def oracle_decoded(data: bytes) -> PulsarCommand:
    """The command that the runtime reads. `google.protobuf.message.DecodeError` or KeyError if it reads none."""
    base = message_classes()["BaseCommand"].FromString(data)
    shape = COMMANDS[base.type]
    command: PulsarCommand = from_oracle(getattr(base, f"c{base.type}"), shape)
    return command
