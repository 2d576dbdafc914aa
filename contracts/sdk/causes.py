"""What in each loop breaks each rule that was found broken, in our words.

Each is the behaviour of the loop as its source has it (`contracts.sdk.loops` says where that is). A test holds the
rules named here to those that are in the measured verdicts (`docs/sdk-verdicts.md`).
"""

from collections.abc import Mapping

CAUSES: Mapping[str, Mapping[str, str]] = {
    "python-connector": {
        "REC-PERSIST-ACK": "The listeners are called in a `try` whose exception is logged for debugging and forgotten; "
        "the acknowledgement follows in any case. A record that a locked database did not take is acknowledged.",
        "REC-ASK-AGAIN": "Decryption is in the same `try` as the listeners: a message that was damaged on its way, or "
        "that a listener cannot read, is acknowledged like any other, and does not come again.",
        "REC-ENCRYPTION": "It decrypts by AES-ECB and does not look at the property `em`. Where the console is set to "
        "AES-GCM decryption fails, in that `try`: every message is acknowledged, and no listener ever hears of one.",
        "SEC-TLS": "Each connection is opened with `cert_reqs` at `CERT_NONE`: whoever answers gets the credentials.",
    },
    "python-native": {
        "REC-NACK": "The loop expects no exception but the interruption of `receive`: what decryption or the handler "
        "raises ends the process. The message was not acknowledged, so it is the first to come after the restart, and "
        "ends the process again; none behind it is read.",
        "SEC-TLS": "The client is made with `tls_allow_insecure_connection`: it takes any certificate.",
    },
    "node": {
        "REC-PERSIST-ACK": "The example acknowledges a message in the first line of its handler, before anything was "
        "done with it. What fails after that, or a crash, loses it.",
        "REC-ASK-AGAIN": "What cannot be decrypted is given to the handler as an empty text, after which the "
        "example's handler has acknowledged it before it can look.",
        "SEC-TLS": "The socket is made with `rejectUnauthorized: false`: it takes any certificate.",
    },
    "go": {
        "REC-PERSIST-ACK": "An error that `HandlePayload` returns is logged, and the message acknowledged all the "
        "same: nothing that a handler can return keeps it.",
        "REC-ASK-AGAIN": "For the same reason a message that the handler could not read does not come again.",
        "SEC-TLS": "The client is made with `TLSAllowInsecureConnection`: it takes any certificate.",
    },
    "java": {
        "REC-PERSIST-ACK": "What the listener throws is logged, and the message left without an acknowledgement; but "
        "acknowledgements are cumulative, so that of the next message says that this one is done, too.",
        "REC-ASK-AGAIN": "In the same way a message that the listener could not read is done with the next one.",
        "SEC-TLS": "The client is made with `allowTlsInsecureConnection`: it takes any certificate.",
    },
}
"""By the loop's name, by the rule's id."""
