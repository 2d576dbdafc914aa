"""`init`: a client to copy, written into a folder of the user's."""

from pathlib import Path

import pytest

from contracts.commands.init import ADAPTERS
from tests.command_line import run_here

EXAMPLES = Path(__file__).parents[3] / "examples"


@pytest.mark.parametrize("language", ADAPTERS)
def test_a_client_is_written_whole(language: str, tmp_path: Path) -> None:
    """All that is committed of it and nothing else; its page has no link that leads out of the folder."""
    folder = tmp_path / "new" / "client"
    done = run_here("init", "--adapter", language, str(folder))
    assert (done.returncode, done.stdout) == (0, f"{folder}/README.md says how it is run, and how it is judged.\n")
    example = EXAMPLES / ADAPTERS[language]
    written = {path.name: path.read_bytes() for path in folder.iterdir() if path.name != "README.md"}
    assert written == {name: (example / name).read_bytes() for name in written}
    assert written.keys() | {"README.md"} == {path.name for path in example.iterdir() if path.is_file()}
    assert (folder / "README.md").read_text("utf-8").startswith(f"# {ADAPTERS[language]}: ")
    assert "](../" not in (folder / "README.md").read_text("utf-8")


def test_nothing_is_overwritten(tmp_path: Path) -> None:
    """A folder with anything in it is refused, and a file in its place: exit code 2."""
    (tmp_path / "README.md").write_text("mine")
    for taken in (tmp_path, tmp_path / "README.md"):
        done = run_here("init", "--adapter", "python", str(taken))
        assert (done.returncode, f"{taken} is there already, and not empty" in done.stderr) == (2, True), done.shown
    assert (tmp_path / "README.md").read_text() == "mine"
    assert run_here("init", "--adapter", "cobol", str(tmp_path / "new")).returncode == 2
