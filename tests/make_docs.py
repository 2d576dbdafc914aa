"""Writes the pages of `docs/` that are made from the code: `make docs`, or `make docs ARGS=faults` for one of them."""

import sys
from collections.abc import Callable
from dataclasses import Field
from functools import partial
from pathlib import Path

from contracts.client.protocol_schema import schema_text
from mock_server.faults.catalogue import CATALOGUE
from mock_server.faults.chaos import MAX_CONSECUTIVE, PRESETS
from mock_server.profile import PRESETS as PROFILES
from mock_server.profile import Profile, open_points, values_of
from mock_server.shapes import OneOf, Whole
from tests import make_example_report, make_llms
from tests.make_confidence import readme_with_table
from tests.make_exhaustive_docs import exhaustive_page
from tests.make_history_docs import history_page
from tests.make_matrix import matrix_page
from tests.make_mutants import mutants_page
from tests.make_rules_docs import rules_page
from tests.make_sdk_verdicts import verdicts_page
from tests.make_upgrading_docs import upgrading_page
from tests.make_wire_docs import wire_page
from tests.markdown import table

ROOT = Path(__file__).parent.parent
DOCS = ROOT / "docs"
MADE = "<!-- made by `make docs` from the code: change it there -->"


def faults_page() -> str:
    """Every fault, where it acts, and how likely each preset makes it."""
    kinds = (
        (f"`{kind}`", kind.site, kind.spoils, kind.doc, kind.parameter and f"`{kind.parameter}` ({kind.default})")
        for kind in CATALOGUE.values()
    )
    presets = [name for name in PRESETS if name != "off"]
    rates = ((f"`{kind}`", *(rate_text(PRESETS[name].rates.get(kind)) for name in presets)) for kind in CATALOGUE)
    bounds = ((f"`{name}`", f"{preset.activation:.0%}", preset.budget) for name, preset in PRESETS.items())
    return f"""{MADE}

# Faults and chaos

## Directed faults

`POST /_lab/projects/{{p}}/faults` takes one fault or a list: `kind`, its own parameter, and optionally `times` (how
often it strikes, 1), `skip` (how many occasions pass first, 0), and what it is limited to: `device_id`, `data_type`,
`record_id`, `path` (the beginning of a call's path; token calls are struck only if `path` names them, or by
`token.region`). All directed faults that match an occasion strike together. `GET` lists them with how often each has
struck, `DELETE` is calm: they are forgotten and chaos is off.

{table(("kind", "acts on", "spoils", "what it does", "parameter (default)"), kinds)}

A record whose `uplink` says what happens to it meets no fault on its way. Chaos begins after the seed: its records
meet no random fault and spend none of the budget.

## Chaos

Faults at random, from one seed. First it is drawn which kinds are part of a run, then when each strikes. At most
{MAX_CONSECUTIVE} faults in a row hit one logical operation (a call with the same method, path and cells; one record on
its way; one subscription's connection), so a client that tries three times gets through. A budget bounds all faults
of a run.

`parking-mock serve --chaos NAME --chaos-seed N`, `"chaos": NAME` or `{{"preset", "seed", "budget"}}` when a project
is made, or `PUT /_lab/projects/{{p}}/chaos` later. `serve` uses `default` unless told otherwise; a project made over
the lab API has none.

{table(("preset", "chance that a kind is part of the run", "budget"), bounds)}

{table(("kind", *presets), rates)}
"""


def rate_text(rate: float | None) -> str:
    """A probability as a percentage, empty for none."""
    return "" if rate is None else f"{rate:.1%}"


def profiles_page() -> str:
    """Every open point, its values and its default, and the presets."""
    points = (
        (
            point.metadata["point"],
            f"`{point.name}`",
            values_text(point),
            f"`{point.default}`",
            point.metadata["doc"],
            point.metadata["source"],
        )
        for point in open_points()
    )
    presets = ((f"`{name}`", differences(profile)) for name, profile in PROFILES.items())
    return f"""{MADE}

# Profiles: what the vendor leaves open

The vendor's pages leave these points open. A profile answers them; every combination is legal. Every default is our
choice unless its source says otherwise. A1 to A10 are points of the endpoint's own page, the others of the platform
around it.

{table(("point", "field", "values", "default", "meaning", "source of the question"), points)}

`parking-mock serve --profile NAME|FILE`, or `"profile"` when a project is made over the lab API: a preset's name, or an
object of fields, which may name a preset to start from as `base`: `{{"base": "gcm", "window_bounds": "[s,e]"}}`.

{table(("preset", "what differs from the default"), presets)}
"""


def values_text(point: Field[object]) -> str:
    """The values of a field, or its bounds."""
    match values_of(point):
        case Whole(low, high):
            return f"{low} to {high}"
        case OneOf(values):
            return ", ".join(f"`{value}`" for value in values)
        case other:
            raise TypeError(f"no words for {other}")


def differences(profile: Profile) -> str:
    """What a preset changes."""
    default = Profile().to_json()
    changed = {name: value for name, value in profile.to_json().items() if value != default[name]}
    return ", ".join(f"`{name}` {value}" for name, value in changed.items()) or "nothing"


PAGES: dict[str, Callable[[], str]] = {
    "client-protocol.schema.json": schema_text,
    "exhaustive.md": partial(exhaustive_page, MADE),
    "faults.md": faults_page,
    "history.md": partial(history_page, MADE),
    "matrix.md": partial(matrix_page, MADE),
    "sdk-verdicts.md": partial(verdicts_page, MADE),
    "mutants.md": partial(mutants_page, MADE),
    "profiles.md": profiles_page,
    "rules.md": partial(rules_page, MADE),
    "upgrading.md": partial(upgrading_page, MADE),
    "wire.md": partial(wire_page, MADE),
}


def main(names: list[str]) -> None:
    """Write the pages of these names, or all, with README's table and the example report."""
    makers: dict[str, Callable[[], None]] = {name.removesuffix(".md"): partial(_write, name) for name in PAGES}
    makers["readme"] = _write_readme
    makers[make_example_report.REPORT.name] = make_example_report.main
    makers[make_llms.GUIDE.name] = make_llms.write
    unknown = [name for name in names if name not in makers]
    if unknown:
        sys.exit(f"there is no made page {', '.join(unknown)}; there are: {', '.join(makers)}")
    for name in names or makers:
        makers[name]()


def _write(name: str) -> None:
    (DOCS / name).write_text(PAGES[name](), encoding="utf-8")


def _write_readme() -> None:
    path = ROOT / "README.md"
    path.write_text(readme_with_table(path.read_text(encoding="utf-8")), encoding="utf-8")


if __name__ == "__main__":
    main(sys.argv[1:])
