"""A client behind a URL: the client protocol's objects as the bodies of POSTs."""

import json
from contextlib import suppress

import requests

from contracts.client.interface import Capability, ProcessError, ProcessProblem, Start
from contracts.client.process import PATIENCE_S
from contracts.client.protocol import ProtocolError, call_json, read_answer
from contracts.client.remote import RemoteClient, raise_error
from mock_server.model import JsonObject


class HttpClient(RemoteClient):
    """A client that takes calls at one URL. An error of `hello`, sent by the constructor, is raised by `start`."""

    def __init__(self, url: str, patience_s: float = PATIENCE_S) -> None:
        super().__init__()
        self._url = url
        self.patience_s = patience_s
        self._number = 0
        self.has_hung = False
        self._http = requests.Session()
        self._http.trust_env = False
        self.problem: Exception | None = None
        try:
            self.hello()
        except Exception as error:  # noqa: BLE001 any error is kept for `start` to raise
            self.problem = error

    def start(self, start: Start) -> None:
        """Call `start`, or raise the error of `hello`."""
        if self.problem is not None:
            raise self.problem
        super().start(start)

    def ask(self, verb: str, **arguments: object) -> JsonObject:
        """Call a verb."""
        self._number += 1
        answer = self._post(verb, json.dumps(call_json(self._number, verb, arguments), ensure_ascii=False).encode())
        try:
            result, code, message = read_answer(answer.content, self._number)
        except ProtocolError as error:
            status = "" if answer.ok else f"status {answer.status_code}, "
            raise ProcessError(ProcessProblem.BAD_ANSWER, f"the answer to {verb}: {status}{error}") from None
        if result is None:
            raise_error(verb, code, message)
        return result or {}

    def _post(self, verb: str, body: bytes) -> requests.Response:
        headers = {"Content-Type": "application/json"}
        try:
            return self._http.post(self._url, data=body, headers=headers, timeout=self.patience_s)
        except requests.Timeout:
            self.has_hung = True
            raise ProcessError(ProcessProblem.HUNG, f"no answer to {verb} within {self.patience_s:g} s") from None
        except requests.RequestException as error:
            text = f"{self._url} does not answer {verb}: {type(error).__name__}"
            problem = ProcessProblem.ABSENT if verb == "hello" else ProcessProblem.ENDED
            raise ProcessError(problem, text) from None

    def crash(self) -> None:
        """Call `crash` if the client has it; its answer does not matter."""
        if Capability.CRASH in self.can and not self.has_hung:
            with suppress(Exception):
                self.ask("crash")

    def end(self) -> None:
        """Close the connection."""
        self._http.close()
