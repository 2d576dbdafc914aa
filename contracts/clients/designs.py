"""Correct clients of other designs than the reference client: no rule may accuse one, and each must be judged.

Each makes one decision otherwise that the vendor leaves to the client.
"""

from contracts.clients.reference import ReferenceClient
from contracts.clients.vendor_api import VendorApi


class PatientTokenApi(VendorApi):
    """Uses a token until it is refused."""

    def live_token(self) -> str:
        """The last token, or a new one if there is none."""
        if not self._token:
            self._token = self._ask_for_token()
        return self._token


class NextPassTokenApi(PatientTokenApi):
    """The same, and leaves the repetition of the refused call to the next pass."""

    def business(self, method: str, target: str, body: bytes = b"") -> dict[str, object]:
        """One attempt."""
        return self.attempt(method, target, body)


class RenewsWhenRefused(ReferenceClient):
    """Asks for another token when the old one is refused (1010), and repeats the call at once."""

    def make_api(self) -> VendorApi:
        """The object that makes the calls to the cloud."""
        return PatientTokenApi(self._exports, self._link, lambda: self._machine_ms)


class RenewsAtNextPass(ReferenceClient):
    """Asks for another token when the old one is refused (1010), at its next pass."""

    def make_api(self) -> VendorApi:
        """The object that makes the calls to the cloud."""
        return NextPassTokenApi(self._exports, self._link, lambda: self._machine_ms)


class BeginsWithItsHour(ReferenceClient):
    """Asks about no window before the hour in which it was installed."""

    look_back = 0


class BeginsLateAndRenewsWhenRefused(RenewsWhenRefused, BeginsWithItsHour):
    """Both: the least that a client can do."""


DESIGNS: tuple[type[ReferenceClient], ...] = (
    RenewsWhenRefused,
    RenewsAtNextPass,
    BeginsWithItsHour,
    BeginsLateAndRenewsWhenRefused,
)
"""Every correct client of another design."""
