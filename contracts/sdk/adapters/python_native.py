"""Runs a loop like that of the vendor's Python sample for native Pulsar, on the library that the sample asks for.

The sample, github.com/tuya/tuya-pulsar-sdk-python, is no package and has no licence, so this is our own code. What it
does: receive one message, decrypt it, call the handler, acknowledge cumulatively; the only exception that it expects is
the interruption of `receive`, so any other ends the process. Its handler gets message and text: ours takes the message,
as the text of an AES-ECB message still has its padding there.
"""

import base64
import hashlib
import json
import os
import sys
import threading
import traceback
from typing import Any

import pulsar
from cryptography.hazmat.primitives.ciphers import Cipher, algorithms, modes
from cryptography.hazmat.primitives.ciphers.aead import AESGCM

from contracts.sdk.adapters.handing import Hand

NONCE_BYTES = 12


def authentication(access_id: str, secret: str) -> Any:
    """The vendor's credentials. The library joins user and password with a colon, which makes JSON of them."""
    inner = hashlib.md5(secret.encode(), usedforsecurity=False).hexdigest()
    password = hashlib.md5((access_id + inner).encode(), usedforsecurity=False).hexdigest()[8:24]
    return pulsar.AuthenticationBasic(f'{{"username": "{access_id}","password"', f'"{password}"}}', "auth1")


def decrypted(message: Any, secret: str) -> str:
    """The text of a message, by AES-GCM or AES-ECB as its property says; signatures are not looked at."""
    raw, key = base64.b64decode(json.loads(message.data().decode())["data"]), secret[8:24].encode()
    if message.properties().get("em") == "aes_gcm":
        return AESGCM(key).decrypt(raw[:NONCE_BYTES], raw[NONCE_BYTES:], None).decode()
    decryptor = Cipher(algorithms.AES(key), modes.ECB()).decryptor()  # noqa: S305 the vendor's mode
    return (decryptor.update(raw) + decryptor.finalize()).decode()


def frame(message: Any) -> dict[str, Any]:
    """A message as it came."""
    place = message.message_id()
    name = f"{place.ledger_id()}:{place.entry_id()}:{place.partition()}"
    payload = base64.b64encode(message.data()).decode()
    return {"messageId": name, "payload": payload, "properties": dict(message.properties())}


def run(consumer: Any, secret: str, hand: Hand) -> None:
    """The loop."""
    while True:
        try:
            message = consumer.receive()
            decrypted(message, secret)
            hand(frame(message))
            consumer.acknowledge_cumulative(message)
        except pulsar.Interrupted:
            return


def main() -> None:
    """Subscribe as the sample does, and run its loop."""
    hand = Hand()
    told = hand.settings
    secret = told["access_secret"]
    keys = authentication(told["access_id"], secret)
    client = pulsar.Client(told["pulsar"], authentication=keys, tls_allow_insecure_connection=True)
    topic, subscription = f"{told['access_id']}/out/event", f"{told['access_id']}-sub"
    consumer = client.subscribe(topic, subscription, consumer_type=pulsar.ConsumerType.Failover)
    hand.ready()
    threading.Thread(target=hand.serve, daemon=True).start()
    try:
        run(consumer, secret, hand)
    except BaseException:  # noqa: BLE001 whatever it is, the sample ends with a traceback
        traceback.print_exc()
        sys.stderr.flush()
    os._exit(1)  # what the library still holds back is not sent


if __name__ == "__main__":
    main()
