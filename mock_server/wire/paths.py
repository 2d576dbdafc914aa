"""The paths of the vendor's API that modules other than its routes use (documented)."""

TOKEN_PATH = "/v1.0/token"  # noqa: S105 a path, no token

REFRESH_PREFIX = f"{TOKEN_PATH}/"
"""The path of a refresh up to its refresh token."""

SYNC_PREFIX, SYNC_SUFFIX = "/v1.0/parking-control/", "/records/sync"
"""The path of records/sync up to its device id, and after it."""
