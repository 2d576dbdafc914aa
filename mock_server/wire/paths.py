"""The paths of the vendor's API that more than its routes speak of (documented)."""

TOKEN_PATH = "/v1.0/token"  # noqa: S105 a path, no token

REFRESH_PREFIX = f"{TOKEN_PATH}/"
"""What stands before the refresh token in the path of a refresh."""

SYNC_PREFIX, SYNC_SUFFIX = "/v1.0/parking-control/", "/records/sync"
"""What stands before and behind the device id in the path of records/sync."""
