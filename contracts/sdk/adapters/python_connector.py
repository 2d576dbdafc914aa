"""Runs the message client of the vendor's Python connector as pip installs it: `TuyaOpenPulsar`."""

import threading

from tuya_connector import TuyaCloudPulsarTopic, TuyaOpenPulsar

from contracts.sdk.adapters.handing import Hand

LOOK_EVERY_S = 0.01


def main() -> None:
    """Start it, and hand on every text that it gives its listener."""
    hand = Hand()
    told = hand.settings
    client = TuyaOpenPulsar(told["access_id"], told["access_secret"], told["ws"], TuyaCloudPulsarTopic.PROD)
    client.daemon = True
    client.add_message_listener(lambda text: hand({"text": text}))
    client.start()
    threading.Thread(target=_tell_when_connected, args=(client, hand), daemon=True).start()
    hand.serve()


def _tell_when_connected(client: TuyaOpenPulsar, hand: Hand) -> None:
    pause = threading.Event()
    while client.ws_app.sock is None or not client.ws_app.sock.connected:
        pause.wait(LOOK_EVERY_S)
    hand.ready()


if __name__ == "__main__":
    main()
