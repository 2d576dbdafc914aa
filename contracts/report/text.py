"""Text that is fit for a file, whatever a client has sent."""

import re

_UNFIT = re.compile("[^\t\n\r\x20-\x7e\x85\xa0-\ud7ff\ue000-\ufdcf\ufdf0-\ufffd\U00010000-\U0010ffff]")


def plain(text: str) -> str:
    """The text with a sign in place of what neither XML nor HTML can hold: control signs, halves of signs."""
    return _UNFIT.sub("\ufffd", text)


def shortened(text: str, most: int) -> str:
    """The text, its end cut off if it is too long."""
    return text if len(text) <= most else f"{text[: most - 3]}..."
