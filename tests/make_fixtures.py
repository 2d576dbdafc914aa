"""`python -m tests.make_fixtures` writes the golden exchanges anew; `git diff` shows what moved.

Signature vectors and bad bodies are written by hand: they say what must be, not what is.
"""

from pathlib import Path

from tests.fixtures.scenarios import render_all

FIXTURES = Path(__file__).parent.parent / "fixtures"
EXCHANGES = "exchanges"


def render() -> dict[str, str]:
    """The generated files: paths below `fixtures/`, and their texts."""
    return {f"{EXCHANGES}/{name}": text for name, text in render_all()}


def main() -> None:
    """Write every generated file and remove exchanges that no scenario makes any more."""
    files = render()
    (FIXTURES / EXCHANGES).mkdir(parents=True, exist_ok=True)
    for path in (FIXTURES / EXCHANGES).glob("*.json"):
        if f"{EXCHANGES}/{path.name}" not in files:
            path.unlink()
    for name, text in files.items():
        (FIXTURES / name).write_text(text, encoding="utf-8", newline="\n")


if __name__ == "__main__":
    main()
