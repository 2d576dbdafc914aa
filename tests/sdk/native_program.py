"""A consumer over native Pulsar, shaped like the vendor's Python sample, as a program that a test tells what to do.

It knows nothing of ours. Each line of standard input is a JSON list: a verb, the consumer's name and the arguments. It
answers with a line of JSON; an exception of the library is {"error": its name}. The library writes to standard error.
"""

import base64
import contextlib
import hashlib
import json
import os
import sys
from collections.abc import Callable
from typing import Any

import pulsar
from cryptography.hazmat.primitives.ciphers import Cipher, algorithms, modes
from cryptography.hazmat.primitives.ciphers.aead import AESGCM
from cryptography.hazmat.primitives.padding import PKCS7

clients: dict[str, Any] = {}
consumers: dict[str, Any] = {}
messages: dict[tuple[int, ...], Any] = {}


def subscribe(name: str, url: str, access_id: str, secret: str, timeout_s: int = 60) -> dict[str, Any]:
    """Connect as the sample does."""
    inner = hashlib.md5(secret.encode(), usedforsecurity=False).hexdigest()
    password = hashlib.md5((access_id + inner).encode(), usedforsecurity=False).hexdigest()[8:24]
    # The library joins both with a colon: together they are the JSON that the vendor wants.
    authentication = pulsar.AuthenticationBasic(f'{{"username": "{access_id}","password"', f'"{password}"}}', "auth1")
    clients[name] = pulsar.Client(
        url,
        authentication=authentication,
        tls_allow_insecure_connection=True,
        operation_timeout_seconds=timeout_s,
    )
    consumers[name] = clients[name].subscribe(
        f"{access_id}/out/event",
        f"{access_id}-sub",
        consumer_type=pulsar.ConsumerType.Failover,
        consumer_name=name,
        negative_ack_redelivery_delay_ms=100,
    )
    return {"version": pulsar.__version__}


def receive(name: str, secret: str, timeout_ms: int = 60_000) -> dict[str, Any]:
    """The next message, decrypted, with its ids."""
    message = consumers[name].receive(timeout_ms)
    place = message.message_id()
    key = place.ledger_id(), place.entry_id()
    messages[key] = message
    outer = json.loads(message.data())
    plain = decrypted(base64.b64decode(outer["data"]), secret[8:24].encode(), message.properties()["em"])
    return {"id": key, "partition": place.partition(), "count": message.redelivery_count(), "report": json.loads(plain)}


def decrypted(raw: bytes, key: bytes, mode: str) -> bytes:
    """The plain text."""
    if mode == "aes_gcm":
        return AESGCM(key).decrypt(raw[:12], raw[12:], None)
    decryptor = Cipher(algorithms.AES(key), modes.ECB()).decryptor()  # noqa: S305 the vendor's mode
    unpadder = PKCS7(128).unpadder()
    return unpadder.update(decryptor.update(raw) + decryptor.finalize()) + unpadder.finalize()


def acknowledge_up_to(name: str, key: list[int]) -> None:
    """As the sample does."""
    consumers[name].acknowledge_cumulative(messages[tuple(key)])


def acknowledge(name: str, key: list[int]) -> None:
    """One message."""
    consumers[name].acknowledge(messages[tuple(key)])


def refuse(name: str, key: list[int]) -> None:
    """Acknowledge negatively."""
    consumers[name].negative_acknowledge(messages[tuple(key)])


def close(name: str) -> None:
    """Close the consumer and its client."""
    consumers.pop(name).close()
    clients.pop(name).close()


VERBS: dict[str, Callable[..., Any]] = {
    each.__name__: each for each in (subscribe, receive, acknowledge, acknowledge_up_to, refuse, close)
}


def main() -> None:
    """Obey each line."""
    answers = os.fdopen(os.dup(1), "w")
    os.dup2(2, 1)
    for line in sys.stdin:
        verb, *arguments = json.loads(line)
        try:
            answer = VERBS[verb](*arguments)
        except pulsar.exceptions.PulsarException as error:
            answer = {"error": type(error).__name__}
        with contextlib.suppress(BrokenPipeError):
            print(json.dumps(answer), file=answers, flush=True)
    os._exit(0)  # the library's threads need not agree


if __name__ == "__main__":
    main()
