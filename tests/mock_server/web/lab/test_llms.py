"""The guide for agents: one file, made from the code, in the package and on the lab plane."""

from mock_server.lab_client import LabClient
from tests.make_llms import GUIDE, llms_text


def test_it_is_up_to_date() -> None:
    """It lists the commands and operations that there are: otherwise run `make docs ARGS=llms.txt`."""
    assert GUIDE.read_text(encoding="utf-8") == llms_text()


def test_it_is_served(lab: LabClient) -> None:
    """As plain text, from the file that the wheel has (`tests/test_packaging.py`)."""
    assert lab.llms() == GUIDE.read_text(encoding="utf-8")
    assert "- `POST /_lab/projects`: Make a project" in lab.llms()
