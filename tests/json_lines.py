"""JSON objects written with one line for each of their keys, so that a difference shows which of them moved."""

import json
from collections.abc import Mapping


def one_line_each(data: Mapping[str, object]) -> str:
    """A JSON object as text: one line a key."""
    lines = (f"{json.dumps(key)}: {json.dumps(value, ensure_ascii=False)}" for key, value in data.items())
    return "{\n" + ",\n".join(lines) + "\n}\n"
