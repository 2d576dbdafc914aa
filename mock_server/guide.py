"""A guide: the captions of a story about a project, and the orders with which its viewers steer it.

Facts are in the history; a guide only points to them. The narrator is a thread of its own (the demo); viewers are
requests on the serving loop (the dashboard and the lab API).
"""

import threading
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from typing import Literal, TypeAlias

from msgspec import structs

from mock_server.model import Cell, JsonObject

Order: TypeAlias = Literal["play", "pause", "step", "repeat"]
Speed: TypeAlias = Literal["slow", "normal", "fast"]
Who: TypeAlias = Literal["lot", "queue", "client"]

_PACE: dict[Speed, float] = {"slow": 2.0, "normal": 1.0, "fast": 0.2}
_SECONDS, _SECONDS_A_CHARACTER = 2.0, 0.04
"""The seconds that a caption is shown, fixed and for each character, at normal speed: time to read it."""


NO_NEWS = -1
"""In place of the number of an entry: show what was shown before."""


class ActChosenError(Exception):
    """A viewer has chosen an act: the narrator must start it from its beginning."""

    def __init__(self, act: int) -> None:
        super().__init__(f"act {act}")
        self.act = act


@dataclass(frozen=True, slots=True)
class Caption:
    """One step of a story: its actor, the text, the bytes on the wire as text, and the cell to show.

    `until` is the number of the entry up to which the history is shown beside it; None for all of it.
    """

    who: Who
    text: str
    lines: tuple[str, ...] = ()
    cell: Cell | None = None
    until: int | None = None


class Guide:
    """The present caption and the orders of viewers; methods may be called from any thread.

    `acts` are the titles of the story's parts.
    """

    def __init__(self, access_id: str, acts: Sequence[str]) -> None:
        self.access_id = access_id
        self.acts = tuple(acts)
        self._changed = threading.Condition()
        self._listeners: list[Callable[[], None]] = []
        self._run_there: Callable[[Callable[[], None]], object] = lambda work: work()
        self._caption: Caption | None = None
        self._number, self._act, self._step = 0, 0, 0
        self._speed: Speed = "normal"
        self._paused = self._stepping = self._ended = False
        self._chosen: int | None = None
        self._begun: int | None = None
        self._is_watched = self._moves = False
        self._told_at: int | None = None

    # For the narrator

    def told_to(self, run_there: Callable[[Callable[[], None]], object]) -> None:
        """Call listeners on another thread from now on: `run_there` runs work on it."""
        self._run_there = run_there

    def begin(self, act: int) -> None:
        """Begin an act, by its place in `acts`. Its title is shown with its first caption."""
        with self._changed:
            self._begun, self._step, self._ended, self._moves = act, 0, False, True

    def tell(self, caption: Caption, at: int | None = None) -> None:
        """Show the next caption. ActChosenError if a viewer has chosen an act.

        `at` is the number of the newest entry of the history then; it is needed where the caption has an `until`.
        """
        with self._changed:
            self._take_choice()
            self._caption, self._told_at, self._moves = caption, at, False
            self._act = self._act if self._begun is None else self._begun
            self._begun = None
            self._step += 1
        self._notify()

    def go_on(self) -> None:
        """The narrator moves the world: what it does is shown with the next caption."""
        with self._changed:
            self._moves = True

    def wait_for_viewer(self) -> None:
        """Wait until somebody looks at the story, or steers it."""
        with self._changed:
            self._changed.wait_for(lambda: self._is_watched)

    def end(self, caption: Caption) -> None:
        """Show the last caption of the story. ActChosenError if a viewer has chosen an act."""
        with self._changed:
            self._take_choice()
            self._ended = True
        self.tell(caption)

    def wait(self) -> None:
        """Wait until the caption's time is over, or while paused until a step. ActChosenError if an act is chosen."""
        with self._changed:
            caption = self._caption
            seconds = _SECONDS + _SECONDS_A_CHARACTER * len(caption.text if caption else "")
            self._changed.wait_for(self._may_go_on, None if self._paused else seconds * _PACE[self._speed])
            while self._paused and not self._may_go_on():
                self._changed.wait()
            self._stepping = False
            self._take_choice()

    def wait_for_order(self, also: Callable[[], bool] = lambda: False) -> None:
        """Wait until an act is chosen (ActChosenError) or `also` returns True, which `nudge` evaluates again."""
        with self._changed:
            self._changed.wait_for(lambda: self._chosen is not None or also())
            self._take_choice()

    def nudge(self) -> None:
        """Wake up the narrator, so that it evaluates again what it waits for."""
        with self._changed:
            self._changed.notify_all()

    def _take_choice(self) -> None:
        chosen, self._chosen = self._chosen, None
        if chosen is not None:
            raise ActChosenError(chosen)

    def _may_go_on(self) -> bool:
        return self._stepping or self._chosen is not None

    # For viewers

    def note_viewer(self) -> None:
        """Somebody looks at the story."""
        with self._changed:
            self._is_watched = True
            self._changed.notify_all()

    def shown_until(self, last: int) -> int | None:
        """The number of the entry up to which the history is to be shown.

        None stands for all of it, `NO_NEWS` for what was shown before. `last` is the number of the newest entry: if it
        is above the caption's, a viewer has changed the world, which is always shown.
        """
        with self._changed:
            if self._moves:
                return NO_NEWS
            return self._caption.until if self._caption and self._told_at == last else None

    def steer(self, order: Order | None = None, speed: Speed | None = None, act: int | None = None) -> None:
        """Carry out an order of a viewer, change the speed, or choose an act."""
        with self._changed:
            self._speed = speed or self._speed
            if order is not None:
                self._paused = order in ("pause", "step") or (self._paused and order == "repeat")
                self._stepping = order in ("play", "step")
            if act is not None or order == "repeat":
                self._chosen = self._act if act is None else act
                self._step = 0
            self._changed.notify_all()
        self._notify()

    def listen(self, listener: Callable[[], None]) -> Callable[[], None]:
        """Call `listener` after every change until the returned function is called."""
        self._listeners.append(listener)
        return lambda: self._listeners.remove(listener)

    def to_json(self) -> JsonObject:
        """The present caption and the state of the story, in the form of the lab API; `number` counts the changes."""
        with self._changed:
            caption = self._caption
            return {
                "number": self._number,
                "project": self.access_id,
                "acts": list(self.acts),
                "act": self._act,
                "step": self._step,
                "who": caption.who if caption else None,
                "caption": caption.text if caption else "",
                "lines": list(caption.lines) if caption else [],
                "cell": structs.asdict(caption.cell) if caption and caption.cell else None,
                "paused": self._paused,
                "speed": self._speed,
                "ended": self._ended,
            }

    @property
    def cell(self) -> Cell | None:
        """The cell that the present caption points to, or None."""
        with self._changed:
            return self._caption.cell if self._caption else None

    @property
    def number(self) -> int:
        """The number of changes so far."""
        return self._number

    def _notify(self) -> None:
        with self._changed:
            self._number += 1
        self._run_there(self._call_listeners)

    def _call_listeners(self) -> None:
        for listener in tuple(self._listeners):
            listener()
