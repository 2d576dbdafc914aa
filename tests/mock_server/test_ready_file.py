"""The ready file: whole, this server's, and gone with it."""

from pathlib import Path

import pytest

from mock_server.ready_file import ReadyFile


def test_the_file_of_a_server_that_was_killed_is_removed(tmp_path: Path) -> None:
    """Nobody takes its addresses for those of the server that is starting."""
    path = tmp_path / "ready.json"
    path.write_text("killed")
    ready = ReadyFile(path)
    ready.remove_stale()
    ready.remove_stale()
    assert list(tmp_path.iterdir()) == []
    ready.write("mine")
    assert [each.read_text() for each in tmp_path.iterdir()] == ["mine"]
    ready.remove()
    ready.remove()
    assert list(tmp_path.iterdir()) == []


def test_the_file_of_another_server_stays(tmp_path: Path) -> None:
    """Where two servers share a path the file is the later one's, and the earlier one leaves it."""
    earlier, later = (ReadyFile(tmp_path / "ready.json") for _ in range(2))
    earlier.write("earlier")
    later.write("later")
    earlier.remove()
    assert later.path.read_text() == "later"


def test_a_file_that_was_never_written_is_nobodys(tmp_path: Path) -> None:
    """A server that did not get so far removes nothing."""
    path = tmp_path / "ready.json"
    path.write_text("somebody's")
    ReadyFile(path).remove()
    assert path.exists()


def test_a_write_that_fails_leaves_no_draft(tmp_path: Path) -> None:
    """The path is a folder: OSError, and no half written file beside it."""
    (tmp_path / "ready").mkdir()
    with pytest.raises(OSError, match="ready"):
        ReadyFile(tmp_path / "ready").write("mine")
    assert [each.name for each in tmp_path.iterdir()] == ["ready"]
