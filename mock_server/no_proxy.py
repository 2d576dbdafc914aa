"""Keeps clients from asking a proxy for a server on this machine."""

from collections.abc import Mapping

LOOPBACK = ("127.0.0.1", "localhost", "::1")

_PROXIES = ("http_proxy", "https_proxy", "all_proxy", "ws_proxy", "wss_proxy")


def past_proxies(environ: Mapping[str, str]) -> dict[str, str]:
    """The environment variables that exempt this machine from the proxies of an environment; none if it names none.

    Both spellings are set, because libraries read one or the other, and keep the exemptions that are there already.
    """
    lower = {name.lower(): value for name, value in sorted(environ.items()) if value}
    if not lower.keys() & set(_PROXIES):
        return {}
    kept = [each.strip() for each in lower.get("no_proxy", "").split(",") if each.strip()]
    exempt = ",".join([*kept, *(host for host in LOOPBACK if host not in kept)])
    return {"NO_PROXY": exempt, "no_proxy": exempt}
