"""Where a PostgreSQL database is. Knows nothing of its driver, which is imported only when a database is used."""

import re
from typing import NamedTuple

PREFIX = "postgresql://"


class Database(NamedTuple):
    """A database by its URL, in the form of libpq: `postgresql://user:password@host:port/name?setting=value`."""

    url: str

    @property
    def shown(self) -> str:
        """The URL without a password."""
        plain = re.sub(r"^([^/?]*//[^:@/?]*):[^/?]*@", r"\1@", self.url)
        return re.sub(r"((?:^|[?&])(?:ssl)?password=)[^&]*", r"\1...", plain)
