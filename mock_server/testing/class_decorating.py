"""`mock_parking()` as a decorator of a class of tests, of unittest or pytest, and so of every class that inherits it.

A test has one parking from before its `setUp` or `setup_method` until after its last cleanup or `teardown_method`, so
that nothing of it reaches the real vendor. `setUpClass` and `setup_class` have another, until the class's last cleanup:
while a test runs, the test's own answers. Methods that are called with one (tests, `setUp` and the like) may have a
parameter `parking`. Where pytest does not call `setup_method`, as in a call by hand, a test alone is surrounded.
"""

import inspect
from collections.abc import Callable, Iterator
from contextlib import AbstractContextManager, contextmanager
from typing import TYPE_CHECKING, Any
from unittest import TestCase

from mock_server.history.story import TITLE
from mock_server.testing.decorating import decorate_function, takes_parking, with_parking, wrapped

if TYPE_CHECKING:
    from mock_server.testing.in_process import MockParking

HOOKS = ("runTest", "setUp", "tearDown", "asyncSetUp", "asyncTearDown")
"""Methods of unittest beside those named `test...` that may have a parameter `parking`."""

OPTIONAL = ("setup_method", "teardown_method", "setup_class", "teardown_class")
"""Hooks of pytest, which a class gets if it has none."""

_DECORATOR, _PARKING, _COVERED = "_parking_mock_decorator", "_parking_mock_parking", "_parking_mock_covered"


def decorate_class(parking: "MockParking", tests: type) -> type:
    """Give every test of a class, and of the classes that inherit it, a parking. The nearest decorator counts."""
    setattr(tests, _DECORATOR, parking)
    _cover(tests)
    _cover_heirs(tests)
    return tests


def _cover_heirs(tests: Any) -> None:
    own = vars(tests).get("__init_subclass__")

    def cover(cls: type, /, **settings: Any) -> None:
        if own is None:
            super(tests, cls).__init_subclass__(**settings)
        else:
            own.__get__(None, cls)(**settings)
        _cover(cls)

    tests.__init_subclass__ = classmethod(cover)


def _cover(tests: type) -> None:
    """Replace the methods of a class that are not yet covered, inherited ones too."""
    for name in dir(tests):
        if name.startswith("test") or name in HOOKS:
            _replace(tests, name, _test)
    _replace(tests, "setup_method", _setup_method)
    _replace(tests, "teardown_method", _teardown_method)
    if issubclass(tests, TestCase):
        _replace(tests, "run", _run)
        _replace(tests, "debug", _run)
        _replace(tests, "setUpClass", _set_up_class)
    else:
        _replace(tests, "setup_class", _setup_class)
        _replace(tests, "teardown_class", _teardown_class)


def _replace(tests: type, name: str, cover: Callable[[type, Any], Any]) -> None:
    found = inspect.getattr_static(tests, name, None)
    plain = getattr(found, "__func__", found)
    is_missing = found is None and name in OPTIONAL
    if getattr(plain, _COVERED, False) or not (is_missing or inspect.isfunction(plain)):
        return
    covered = cover(tests, found)
    setattr(getattr(covered, "__func__", covered), _COVERED, True)
    setattr(tests, name, covered)


def _test(tests: type, found: Any) -> Any:
    """A test or a hook that is part of one."""
    if isinstance(found, staticmethod | classmethod):
        return type(found)(decorate_function(getattr(tests, _DECORATOR), found.__func__))

    def prepare(args: tuple[Any, ...], kwargs: dict[str, Any]) -> tuple[AbstractContextManager[Any], Any]:
        parking = vars(args[0]).get(_PARKING)
        if parking is not None:
            return _told(parking), with_parking(found, parking, args, kwargs)
        decorator = getattr(args[0], _DECORATOR)
        own = decorator.another() if takes_parking(found) else decorator
        return own, with_parking(found, own, args, kwargs)

    return wrapped(found, prepare)


def _run(_: type, found: Any) -> Any:
    """Unittest's way through one test: set-up, test, tear-down and cleanups."""

    def run(self: Any, *args: Any, **kwargs: Any) -> Any:
        if _PARKING in vars(self):  # pytest has called `setup_method`, or this is the `run` of a decorated base
            return found(self, *args, **kwargs)
        _begin(self)
        try:
            return found(self, *args, **kwargs)
        finally:
            _end(self)

    return run


def _setup_method(_: type, found: Any) -> Any:
    def setup_method(self: Any, method: Any) -> None:
        _begin(self)
        try:
            _call_hook(found, self, method)
        except BaseException:  # pytest calls no `teardown_method` then
            _end(self)
            raise

    return setup_method


def _teardown_method(_: type, found: Any) -> Any:
    def teardown_method(self: Any, method: Any) -> None:
        try:
            _call_hook(found, self, method)
        finally:
            _end(self)

    return teardown_method


def _call_hook(hook: Any, test: Any, method: Any) -> None:
    """Call a `setup_method` or `teardown_method` as pytest would, and with the parking if it has the parameter."""
    if hook is None or (parking := vars(test).get(_PARKING)) is None:
        return
    bound = hook.__get__(test, type(test))
    others = [name for name in inspect.signature(bound).parameters if name != "parking"]
    with _told(parking):
        with_parking(bound, parking, (method,) if others else (), {})()


def _set_up_class(_: type, found: Any) -> Any:
    def set_up_class(cls: Any) -> None:
        if _PARKING not in vars(cls):
            _begin_class(cls)
            cls.addClassCleanup(_end, cls)
        with _told(vars(cls)[_PARKING]):
            found.__get__(None, cls)()

    return classmethod(set_up_class)


def _setup_class(_: type, found: Any) -> Any:
    def setup_class(cls: Any) -> None:
        is_first = _PARKING not in vars(cls)
        if is_first:
            _begin_class(cls)
        try:
            _call_class_hook(found, cls)
        except BaseException:  # pytest calls no `teardown_class` then
            if is_first:
                _end(cls)
            raise

    return classmethod(setup_class)


def _teardown_class(_: type, found: Any) -> Any:
    def teardown_class(cls: Any) -> None:
        try:
            _call_class_hook(found, cls)
        finally:
            _end(cls)

    return classmethod(teardown_class)


def _call_class_hook(hook: Any, tests: Any) -> None:
    if hook is not None and (parking := vars(tests).get(_PARKING)) is not None:
        with _told(parking):
            hook(tests) if inspect.isfunction(hook) else hook.__get__(None, tests)()


@contextmanager
def _told(parking: "MockParking") -> Iterator[None]:
    """Add the story to an error that leaves the block, unless an inner block has added one."""
    try:
        yield
    except Exception as error:
        if not any(note.startswith(TITLE) for note in getattr(error, "__notes__", ())):
            parking.tell(error)
        raise


def _begin(test: Any) -> None:
    """Begin the parking of a test: the one that decorates its class, or another while that is active."""
    decorator = getattr(test, _DECORATOR)
    vars(test)[_PARKING] = (decorator.another() if decorator.is_active else decorator).start()


def _begin_class(tests: Any) -> None:
    parking = getattr(tests, _DECORATOR).another()
    parking.yields_its_access_id = True
    setattr(tests, _PARKING, parking.start())


def _end(owner: Any) -> None:
    """End the parking of a test or a class, if it has one."""
    parking = vars(owner).get(_PARKING)
    if parking is not None:
        delattr(owner, _PARKING)
        parking.stop()
