"""A client behind a URL: the client protocol's objects as the bodies of POSTs."""

import json

import requests

from contracts.adapters.process import PATIENCE_S, ClientGoneError, ClientHungError
from contracts.adapters.protocol import call_json, read_answer
from contracts.adapters.remote import RemoteClient, raise_error
from mock_server.model import JsonObject


class HttpClient(RemoteClient):
    """A client that takes calls at one URL."""

    def __init__(self, url: str, patience_s: float = PATIENCE_S) -> None:
        super().__init__()
        self._url = url
        self._patience_s = patience_s
        self._number = 0
        self._http = requests.Session()
        self._http.trust_env = False
        self.hello()

    def ask(self, verb: str, **arguments: object) -> JsonObject:
        """Call a verb."""
        self._number += 1
        body = json.dumps(call_json(self._number, verb, arguments), ensure_ascii=False).encode()
        try:
            answer = self._http.post(
                self._url, data=body, headers={"Content-Type": "application/json"}, timeout=self._patience_s
            )
        except requests.Timeout:
            raise ClientHungError(f"no answer to {verb} within {self._patience_s:g} s") from None
        except requests.RequestException as error:
            raise ClientGoneError(f"{self._url} does not answer {verb}: {type(error).__name__}") from None
        result, code, message = read_answer(answer.content, self._number)
        if result is None:
            raise_error(verb, code, message)
        return result or {}

    def stop(self) -> None:
        """End in order; the address may serve another start."""
        try:
            super().stop()
        finally:
            self._http.close()
