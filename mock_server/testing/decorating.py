"""`mock_parking()` as a decorator of a function, a coroutine function or a generator."""

import functools
import inspect
from collections.abc import Callable, Generator
from contextlib import AbstractContextManager
from typing import TYPE_CHECKING, Any, TypeAlias, cast

if TYPE_CHECKING:
    from mock_server.testing.in_process import MockParking

Prepare: TypeAlias = Callable[[tuple[Any, ...], dict[str, Any]], tuple[AbstractContextManager[Any], Callable[[], Any]]]
"""From the arguments of a call to what surrounds it, and the call with all its arguments."""


def decorate_function(parking: "MockParking", test: Callable[..., Any]) -> Callable[..., Any]:
    """Run a function in a parking; one with a parameter `parking` gets another parking for each call."""

    def prepare(args: tuple[Any, ...], kwargs: dict[str, Any]) -> tuple["MockParking", Callable[[], Any]]:
        own = parking.another() if takes_parking(test) else parking
        return own, with_parking(test, own, args, kwargs)

    return wrapped(test, prepare)


def takes_parking(test: Callable[..., Any]) -> bool:
    """Whether a function has a parameter `parking`."""
    return "parking" in inspect.signature(test).parameters


def with_parking(
    test: Callable[..., Any], parking: "MockParking", args: tuple[Any, ...], kwargs: dict[str, Any]
) -> Callable[[], Any]:
    """The call of a function with its arguments, and with a parking if it has a parameter for one."""
    if not takes_parking(test):
        return functools.partial(test, *args, **kwargs)
    place = list(inspect.signature(test).parameters).index("parking")
    if place < len(args):
        return functools.partial(test, *args[:place], parking, *args[place:], **kwargs)
    return functools.partial(test, *args, **kwargs, parking=parking)


def wrapped(test: Callable[..., Any], prepare: Prepare) -> Callable[..., Any]:
    """A function of the same kind and name, without the parameter `parking`, that runs `test` as it is prepared."""
    decorated: Any = functools.wraps(test)(_wrapper(test, prepare))
    signature = inspect.signature(test)
    left = [each for name, each in signature.parameters.items() if name != "parking"]
    decorated.__signature__ = signature.replace(parameters=left)  # what pytest reads
    return cast("Callable[..., Any]", decorated)


def _wrapper(test: Callable[..., Any], prepare: Prepare) -> Callable[..., Any]:
    def function(*args: Any, **kwargs: Any) -> Any:
        around, call = prepare(args, kwargs)
        with around:
            return call()

    def generator(*args: Any, **kwargs: Any) -> Generator[Any, Any, Any]:
        around, call = prepare(args, kwargs)
        with around:
            return (yield from call())

    async def coroutine(*args: Any, **kwargs: Any) -> Any:
        around, call = prepare(args, kwargs)
        with around:
            return await call()

    if inspect.isasyncgenfunction(test):
        raise TypeError(f"{test.__name__} is an asynchronous generator: use `with mock_parking()` in it")
    if inspect.isgeneratorfunction(test):
        return generator
    return coroutine if inspect.iscoroutinefunction(test) else function
