"""What `make test` leaves to `make test-all` and `make test-sdks`: it says so, and no module is left out as a whole."""

import pytest

from tests.left_out import SLOW_OF
from tests.support import AS_A_USER

pytest_plugins = ["pytester"]


@pytest.mark.slow
@pytest.mark.parametrize("arguments", [(), ("-n", "1")], ids=["here", "in a worker"])
def test_what_is_left_out_is_told(arguments: tuple[str, ...], pytester: pytest.Pytester) -> None:
    """By number, also where the processes of xdist leave it out; not a word if nothing is."""
    pytester.makepyfile(
        "import pytest\n"
        "@pytest.mark.slow\n@pytest.mark.parametrize('number', [1, 2])\ndef test_slow(number): pass\n"
        "@pytest.mark.sdks\ndef test_sdk(): pass\n"
        "def test_quick(): pass\n"
    )
    pytester.makeini("[pytest]\nmarkers =\n    slow: takes long\n    sdks: needs compilers\n")
    run = ("-p", "tests.left_out", *AS_A_USER, "-p", "no:randomly", *arguments)
    quick = pytester.runpytest(*run, "-m", "not slow and not sdks")
    quick.assert_outcomes(passed=1, deselected=0 if arguments else 3)
    quick.stdout.fnmatch_lines(
        [
            "1 tests of SDKs in Go and Java were left out: `make test-sdks` runs them",
            "2 slow tests were left out, *: `make test-all` runs all",
        ]
    )
    every = pytester.runpytest(*run)
    every.assert_outcomes(passed=4)
    every.stdout.no_fnmatch_line("*left out*")


def test_every_module_keeps_a_quick_test(request: pytest.FixtureRequest) -> None:
    """What `make test` leaves out is never all that is known of something: no collected module is slow as a whole."""
    modules = request.config.stash[SLOW_OF]
    assert [name for name, slow in modules.items() if all(slow)] == []
