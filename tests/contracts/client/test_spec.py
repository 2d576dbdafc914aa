"""Tests of finding a client by its name."""

import sys
from pathlib import Path

import pytest

from contracts.client.spec import ClientNotFoundError, load_client
from contracts.clients.reference import ReferenceClient

MODULE = """
from contracts import Client

class Plain(Client):
    def start(self, start): ...
    def sync(self, now_ms, window=None): ...

class Inner:
    class Nested(Plain): ...

class WithExports(Plain):
    def __init__(self, exports):
        self.exports = exports

def make(exports):
    return WithExports(exports)

SOMETHING = 3
"""


@pytest.fixture
def module(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> str:
    """The name of an importable module of clients."""
    (tmp_path / "some_clients.py").write_text(MODULE, encoding="utf-8")
    (tmp_path / "broken_clients.py").write_text("import no_such_module", encoding="utf-8")
    monkeypatch.syspath_prepend(str(tmp_path))
    monkeypatch.delitem(sys.modules, "some_clients", raising=False)
    return "some_clients"


def test_a_class_is_called_with_the_exports_if_it_takes_them(module: str) -> None:
    """One without a constructor is called without; a nested one is found; a function is called as it is."""
    for name in ("Plain", "Inner.Nested", "WithExports", "make"):
        client = load_client(f"{module}:{name}")({"api": "here"})
        assert client.can == {"start", "sync", "instances"}
    made = load_client(f"{module}:make")({"api": "here"})
    assert getattr(made, "exports", None) == {"api": "here"}


def test_the_reference_client_is_found() -> None:
    """Under its promised name."""
    assert isinstance(load_client("contracts.clients.reference:ReferenceClient")({}), ReferenceClient)


@pytest.mark.parametrize(
    ("spec", "words"),
    [
        ("", "MODULE:NAME"),
        ("some_clients", "MODULE:NAME"),
        ("some_clients:", "MODULE:NAME"),
        ("no_such_module:Client", "cannot be imported: No module named 'no_such_module'"),
        ("broken_clients:Client", "cannot be imported"),
        ("some_clients:Missing", "there is no Missing in some_clients"),
        ("some_clients:SOMETHING", "neither a contracts.Client nor a function"),
        ("some_clients:Inner", "neither a contracts.Client nor a function"),
    ],
)
@pytest.mark.usefixtures("module")
def test_what_cannot_be_used_is_refused_with_words(spec: str, words: str) -> None:
    """The message says what was looked for and what is wrong."""
    with pytest.raises(ClientNotFoundError, match=words):
        load_client(spec)
