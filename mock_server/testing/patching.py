"""Patches of other libraries' functions that nest with the patches of other mocks."""

import threading
from collections.abc import Callable
from typing import Any


class Patch:
    """One replacement of a function: `below` is the replaced function, `above` the replacement."""

    def __init__(self, below: Any, above: Any) -> None:
        self.below = below
        self.above = above
        self.users = 0


class PatchPoint:
    """One attribute of a module or class, replaced while it has users.

    Users share a patch. One that comes after another mock has patched the attribute gets a patch above that, so that
    the mock that was started last is asked first. A patch without users goes as soon as it is the uppermost one; below
    another mock's it stays: a replacement has to pass on what is none of its business.
    """

    def __init__(self, owner: Any, name: str, wrap: Callable[[Any], Any]) -> None:
        """`wrap` makes the replacement of a function."""
        self._owner = owner
        self._name = name
        self._wrap = wrap
        self._lock = threading.RLock()
        self._patches: list[Patch] = []
        self._is_own = True

    def push(self) -> Patch:
        """Add a user; the answer is the patch that it uses."""
        with self._lock:
            if not self._is_uppermost():
                self._add()
            self._patches[-1].users += 1
            return self._patches[-1]

    def remove(self, patch: Patch) -> None:
        """Take away a user of a patch."""
        with self._lock:
            patch.users -= 1
            while self._is_uppermost() and not self._patches[-1].users:
                self._restore(self._patches.pop().below)

    def _is_uppermost(self) -> bool:
        return bool(self._patches) and getattr(self._owner, self._name) is self._patches[-1].above

    def _add(self) -> None:
        if not self._patches:
            self._is_own = self._name in vars(self._owner)
        below = getattr(self._owner, self._name)
        patch = Patch(below, self._wrap(below))
        setattr(self._owner, self._name, patch.above)
        self._patches.append(patch)

    def _restore(self, below: Any) -> None:
        if self._patches or self._is_own:
            setattr(self._owner, self._name, below)
        else:  # it was inherited
            delattr(self._owner, self._name)
