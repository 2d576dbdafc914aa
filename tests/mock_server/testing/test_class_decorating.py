"""A decorated class of tests: nothing of its tests reaches the real vendor, and each test has one world."""

import io
import unittest
from typing import Any, ClassVar

import pytest
import requests
from requests.adapters import HTTPAdapter

from mock_server import MockParking, Parking, mock_parking
from mock_server.cloud import DEFAULT_ACCESS_ID
from mock_server.history.story import TITLE
from tests.mock_server.signed_client import SignedClient
from tests.support import LOT

pytest_plugins = ["pytester"]

UNPATCHED = HTTPAdapter.send


def ask() -> Any:
    """Ask the vendor for a token, without an access id: a refusal of ours, or an error where nobody answers."""
    return requests.get("https://openapi.tuyacn.com/v1.0/token?grant_type=1", timeout=5).json()["code"]


def run(*tests: type[unittest.TestCase]) -> unittest.TestResult:
    """Run classes as unittest does; afterwards `requests` is what it was."""
    suite = unittest.TestSuite(unittest.defaultTestLoader.loadTestsFromTestCase(each) for each in tests)
    result = unittest.TextTestRunner(io.StringIO()).run(suite)
    assert HTTPAdapter.send is UNPATCHED
    return result


class Hooks(unittest.TestCase):
    """Asks in every place that unittest has. pytest does not collect it or its heirs: we run them."""

    __test__ = False
    asked: ClassVar[list[str]] = []

    def ask(self, where: str) -> None:
        """Ask, and keep where."""
        assert ask() == 1105
        self.asked.append(where)

    @classmethod
    def setUpClass(cls) -> None:
        """Ask, and at the class's end."""
        cls.ask(cls, "setUpClass")  # type: ignore[arg-type]  # it needs nothing of an instance
        cls.addClassCleanup(cls.ask, cls, "class cleanup")  # type: ignore[arg-type]  # the same

    @classmethod
    def tearDownClass(cls) -> None:
        """Ask."""
        cls.ask(cls, "tearDownClass")  # type: ignore[arg-type]  # the same

    def setUp(self) -> None:
        """Ask, and at the test's end."""
        self.ask("setUp")
        self.addCleanup(self.ask, "cleanup")

    def tearDown(self) -> None:
        """Ask."""
        self.ask("tearDown")

    def test_it(self) -> None:
        """Ask."""
        self.ask("test")


PLACES = ["setUpClass", "setUp", "test", "tearDown", "cleanup", "tearDownClass", "class cleanup"]


@mock_parking()
class Decorated(Hooks):
    """Decorated; every method is inherited."""


class Heir(Decorated):
    """Inherits the decoration."""

    @classmethod
    def setUpClass(cls) -> None:
        """Ask before the base does."""
        cls.ask(cls, "before")  # type: ignore[arg-type]  # the same
        super().setUpClass()

    def test_it(self) -> None:
        """A test that the decorated base does not have."""
        self.ask("heir")


@pytest.mark.parametrize(
    ("tests", "places"),
    [(Decorated, PLACES), (Heir, ["before", *(place.replace("test", "heir") for place in PLACES)])],
)
def test_every_place_of_unittest(tests: type[Hooks], places: list[str]) -> None:
    """Set-up, tear-down and cleanups of a test and of the class, in a class that is decorated or inherits from one."""
    Hooks.asked.clear()
    result = run(tests)
    assert (result.errors, result.failures, Hooks.asked) == ([], [], places)


def test_the_undecorated_base_is_left_alone() -> None:
    """It asks the real vendor, as before."""
    with pytest.raises(requests.ConnectionError):
        ask()
    assert "run" not in vars(Hooks)


@mock_parking(devices=[{"device_id": LOT}])
class World(unittest.TestCase):
    """One world for all of a test."""

    __test__ = False
    ids: ClassVar[list[str]] = []

    @classmethod
    def setUpClass(cls) -> None:
        """A client of the class has keys that a test's world knows."""
        ask()

    def setUp(self, parking: Parking | None = None) -> None:
        """The parameter is the test's world."""
        assert parking is not None
        parking.lot(LOT).enter()
        self.parking = parking

    def test_with(self, parking: Parking) -> None:
        """The same world, with the keys that are known beforehand."""
        assert (parking, len(parking.records)) == (self.parking, 1)
        self.ids.append(parking.access_id)
        with SignedClient(parking) as client:
            client.connect()
        assert parking.requests[-1].path == "/v1.0/token"

    def test_without(self) -> None:
        """A new world."""
        assert len(self.parking.records) == 1


def test_one_world_from_set_up_to_tear_down() -> None:
    """New for each test; during a test it has the default keys, whatever the class has asked before."""
    result = run(World)
    assert (result.errors, result.failures) == ([], [])
    assert World.ids == [DEFAULT_ACCESS_ID]


@mock_parking()
class Async(unittest.IsolatedAsyncioTestCase):
    """Asks in the asynchronous places."""

    __test__ = False

    async def asyncSetUp(self, parking: Parking | None = None) -> None:
        """The parameter is the test's world here too."""
        self.parking = parking
        assert ask() == 1105

    async def asyncTearDown(self) -> None:
        """Ask."""
        assert ask() == 1105

    async def test_it(self, parking: Parking) -> None:
        """The same world."""
        assert parking is self.parking


@mock_parking()
class Failing(unittest.TestCase):
    """Fails in both places."""

    __test__ = False

    def setUp(self) -> None:
        """Fails for one test."""
        ask()
        assert self._testMethodName != "test_set_up"

    def test_set_up(self) -> None:
        """Is not reached."""

    def test_itself(self) -> None:
        """Fails."""
        raise SystemError


class FailingClass(Failing):
    """Fails before its tests."""

    @classmethod
    def setUpClass(cls) -> None:
        """Fail."""
        raise SystemError


def test_asynchronous_tests() -> None:
    """`asyncSetUp` and `asyncTearDown` too."""
    result = run(Async)
    assert (result.testsRun, result.errors, result.failures) == (1, [], [])


@pytest.mark.parametrize(("tests", "count"), [(Failing, 2), (FailingClass, 1)])
def test_a_failure_has_one_story(tests: type[unittest.TestCase], count: int) -> None:
    """In a test and in what belongs to it; the worlds end all the same."""
    result = run(tests)
    texts = [text for _, text in result.errors + result.failures]
    assert [text.count(TITLE) for text in texts] == [1] * count


def test_the_nearest_decorator_counts() -> None:
    """A class that inherits the decoration may have its own."""

    @mock_parking(clock="virtual", now_ms=7)
    class Nearer(Decorated):
        def test_it(self, parking: Parking | None = None) -> None:
            assert parking is not None
            assert parking.clock.now_ms == 7

    result = run(Nearer)
    assert (result.errors, result.failures) == ([], [])


def test_a_debug_run() -> None:
    """A debugger runs a test by `debug`, which lets its error out."""
    Decorated("test_it").debug()
    with pytest.raises(SystemError) as caught:
        Failing("test_itself").debug()
    assert [note.startswith(TITLE) for note in caught.value.__notes__] == [True]


def test_a_held_parking_and_other_attributes() -> None:
    """Tests find the parking that decorates them by its name; attributes that only look like tests stay."""
    held: MockParking = mock_parking()

    @held
    class Holding(unittest.TestCase):
        testing: ClassVar[list[int]] = [1]
        test_taken_away = None

        def test_it(self) -> None:
            held.add_lot(LOT)

    result = run(Holding)
    assert (result.testsRun, result.errors, result.failures, Holding.testing) == (1, [], [], [1])


def test_a_class_that_follows_its_heirs_itself() -> None:
    """Its own `__init_subclass__` is called as before."""
    heirs = []

    @mock_parking()
    class Base:
        def __init_subclass__(cls, **settings: Any) -> None:
            super().__init_subclass__()
            heirs.append((cls.__name__, settings))

    class Next(Base, of="it"):
        def test_it(self) -> int:
            return int(ask())

    assert (Next().test_it(), heirs) == (1105, [("Next", {"of": "it"})])


PYTEST = """
import unittest
import pytest, requests
from mock_server import mock_parking

def ask():
    assert requests.get("https://openapi.tuyacn.com/v1.0/token?grant_type=1", timeout=5).json()["code"] == 1105

@pytest.fixture(scope="class")
def of_the_class():
    ask()
    yield
    ask()

@mock_parking()
class TestPlain:
    @classmethod
    def setup_class(cls): ask()
    def teardown_class(cls): ask()
    def setup_method(self, parking):
        ask()
        parking.add_lot("LOT")
        self.parking = parking
    def teardown_method(self, method):
        ask()
        assert method.__name__.startswith("test")
    @pytest.fixture(autouse=True)
    def of_the_test(self, of_the_class):
        ask()
        yield
        ask()
    def test_it(self, parking):
        assert parking is self.parking
    def test_again(self, parking, tmp_path):
        assert parking.lot("LOT")

class TestHeir(TestPlain):
    def test_more(self): ask()

@mock_parking()
class TestFails:
    def setup_method(self): 1 / 0
    def test_set_up(self): pass

@mock_parking()
class TestFailsAll:
    def setup_class(cls): 1 / 0
    def test_all(self): pass

@mock_parking()
class Cases(unittest.TestCase):
    def setup_method(self, method):
        ask()
        self.before = True
    @classmethod
    def setUpClass(cls): ask()
    def setUp(self, parking): parking.add_lot("LOT")
    def test_it(self, parking):
        assert self.before
        assert parking.lot("LOT")
        self.addCleanup(ask)

def test_nothing_is_left():
    with pytest.raises(requests.ConnectionError): ask()
"""


def test_every_place_of_pytest(pytester: pytest.Pytester) -> None:
    """Hooks of classes and methods, fixtures of the class, unittest's classes; failing hooks leave nothing behind."""
    pytester.makepyfile(PYTEST)
    result = pytester.runpytest_inprocess("-p", "no:randomly", "-p", "no:cacheprovider", "-W", "error")
    result.assert_outcomes(passed=7, errors=2)
    assert [line for line in result.outlines if line.endswith(TITLE)]
