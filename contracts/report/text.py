"""Makes text from a client fit for XML and HTML files."""

import re

_UNFIT = re.compile("[^\t\n\r\x20-\x7e\x85\xa0-\ud7ff\ue000-\ufdcf\ufdf0-\ufffd\U00010000-\U0010ffff]")


def plain(text: str) -> str:
    """The text with U+FFFD in place of characters that XML and HTML forbid: controls, surrogates, noncharacters."""
    return _UNFIT.sub("\ufffd", text)
