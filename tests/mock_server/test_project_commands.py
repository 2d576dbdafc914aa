"""`parking-mock export` and `import`, as a user meets them."""

from pathlib import Path

from mock_server.lab_client import LabClient, LabProject
from tests.command_line import run_here
from tests.support import LOT, NOON


def test_a_project_goes_to_a_file_and_back(lab: LabClient, world: LabProject, tmp_path: Path) -> None:
    """The second import needs keys of its own, and says so."""
    world.add_record(LOT, data_type=0, pass_direction=0, event_time=NOON)
    done = run_here("export", world.access_id, "lunch.gz", cwd=tmp_path, PARKING_MOCK_LAB=lab.url)
    assert done == (0, f"lunch.gz has the project {world.access_id}\n", "")
    done = run_here("import", "lunch.gz", "--lab", lab.url, cwd=tmp_path)
    assert (done.returncode, done.stdout) == (2, "")
    text = f"there is a project {world.access_id} already: DELETE it first, or import it with new keys"
    assert done.stderr == f"Error: {text} (--new-keys)\n"
    done = run_here("import", "--new-keys", "lunch.gz", "--lab", lab.url, cwd=tmp_path)
    (made,) = set(lab.projects()) - {world.access_id}
    secret = lab.project(made).exports()["access_secret"]
    shown = f"the project of lunch.gz is there\n  access id      {made}\n  access secret  {secret}\n"
    assert done == (0, shown, "")


def test_what_goes_wrong(lab: LabClient, tmp_path: Path) -> None:
    """Exit code 2, a sentence with what to do, and no file."""
    errors = [
        (("export", "nobody", "x.gz", "--lab", lab.url), "there is no project 'nobody'; there are: "),
        (("export", "nobody", "x.gz", "--lab", "http://127.0.0.1:9"), "no server answers at http://127.0.0.1:9: start"),
        (
            ("export", "nobody", "x.gz", "--lab", "127.0.0.1"),
            "--lab 127.0.0.1: not the URL of a lab plane, such as http",
        ),
        (("export", "nobody", "no/x.gz", "--lab", lab.url), "cannot use no/x.gz"),
        (("import", "x.gz", "--lab", lab.url), "cannot use x.gz: No such file or directory"),
        (("import", "letter", "--lab", lab.url), "the file cannot be imported: it is no exported project"),
    ]
    (tmp_path / "letter").write_text("hello")
    for arguments, text in errors:
        done = run_here(*arguments, cwd=tmp_path)
        assert (done.returncode, done.stdout) == (2, "")
        assert done.stderr.startswith(f"Error: {text}")
    assert [each.name for each in tmp_path.iterdir()] == ["letter"]
