"""The example of a program on its own schedule, `examples/observed-script/watch_lots.py`, made wrong in a way.

`python -m tests.contracts.client.scheduled [right|doubles|prints|quits]`
"""

import runpy
import sys
from pathlib import Path
from typing import Any

EXAMPLE = Path(__file__).parents[3] / "examples" / "observed-script" / "watch_lots.py"


def main(kind: str) -> None:
    """Run the example, with another way to keep a record."""
    if kind == "quits":
        sys.exit(7)
    names = runpy.run_path(str(EXAMPLE))
    records: Any = names["Records"]
    keep = records.keep
    deliveries = iter(range(sys.maxsize))

    def doubles(self: object, device_id: str, code: str, value: dict[str, Any]) -> None:
        """Count deliveries."""
        keep(self, device_id, code, value | {"recordId": f"{value['recordId']}-{next(deliveries)}"})

    def prints(self: object, device_id: str, code: str, value: dict[str, Any]) -> None:
        """Log what comes."""
        print(value, file=sys.stderr, flush=True)  # noqa: T201 the defect
        keep(self, device_id, code, value)

    records.keep = {"doubles": doubles, "prints": prints}.get(kind, keep)
    names["main"]()


if __name__ == "__main__":
    main(sys.argv[-1])
