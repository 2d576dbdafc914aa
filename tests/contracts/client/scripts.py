"""Tiny client processes: a loop over calls, and what is wrong with each."""

import shlex
import sys
from pathlib import Path

from contracts.client.interface import MakeClient
from contracts.play.attachment import load

LOOP = """
import json, os, subprocess, sys, time

def answer(call, result):
    print(json.dumps({"id": call["id"], "result": result}), flush=True)

def log(text):
    print(text, file=sys.stderr, flush=True)

HELLO = {"agent": "tiny", "version": "1", "protocol": 1, "can": ["sync", "advance", "stop"]}
for line in sys.stdin:
    call = json.loads(line)
    verb = call["verb"]
    if verb in BAD:
        BAD[verb](call)
    else:
        answer(call, HELLO if verb == "hello" else {})
    if verb == "stop":
        break
"""


def script(folder: Path, bad: str, name: str = "client.py") -> list[str]:
    """The command of a client that does something of its own: `bad` is a dict's inside, from verbs to functions."""
    path = folder / name
    head, _, loop = LOOP.partition("HELLO =")
    path.write_text(f"{head}BAD = {{{bad}}}\nHELLO ={loop}", encoding="utf-8")
    return [sys.executable, str(path)]


def tiny(folder: Path, bad: str, patience_s: float = 5.0) -> MakeClient:
    """What makes such clients for a session."""
    return load(f"exec {shlex.join(script(folder, bad))}", patience_s)
