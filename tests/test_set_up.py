"""The script that prepares a machine, as far as it can be tried without changing one."""

import subprocess
from pathlib import Path

SCRIPT = Path(__file__).parents[1] / "scripts" / "set-up"


def test_an_old_python_is_refused_before_anything_is_installed(tmp_path: Path) -> None:
    """Whoever cannot go on is told so first. `sudo` and `apt-get` are out of reach here."""
    for tool in ("dirname", "false"):
        (tmp_path / tool).symlink_to(f"/usr/bin/{tool}")
    done = subprocess.run(  # noqa: S603 our own script
        ["/bin/sh", SCRIPT], env={"PATH": str(tmp_path), "PYTHON": "false"}, capture_output=True, text=True, check=False
    )
    assert (done.returncode, done.stdout, done.stderr) == (2, "", "Python 3.11 or newer is needed\n")
