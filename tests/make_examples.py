"""Writes the example of each rule again: `contracts/proof/examples.json`."""

import json

from contracts.proof.examples import FILE, find_example
from contracts.rules import RULES


def main() -> None:
    """Look for the examples, and write what was found."""
    found = {rule_id: example.to_json() for rule_id in RULES if (example := find_example(rule_id)) is not None}
    FILE.write_text(f"{json.dumps(found, ensure_ascii=False, indent=1)}\n", encoding="utf-8", newline="\n")


if __name__ == "__main__":
    main()
