"""A checkpoint of a project as an object for tests."""

from typing import TYPE_CHECKING, Generic, TypeVar

from mock_server.project import Moment
from mock_server.state.checkpoints import Checkpoint

if TYPE_CHECKING:
    from mock_server.testing.parking import Parking

P = TypeVar("P", bound="Parking")


class ParkingCheckpoint(Generic[P]):
    """A moment of a parking that is kept: its `name`, and the `line` of the history that it is behind.

    It stays what it is, whatever becomes of the parking: also a reset, or another restore.
    """

    def __init__(self, parking: P, checkpoint: Checkpoint[Moment]) -> None:
        self._parking = parking
        self._checkpoint = checkpoint
        self.name = checkpoint.name
        self.line = checkpoint.line

    def __repr__(self) -> str:
        return f"<ParkingCheckpoint {self.name!r} behind line {self.line}: {self._checkpoint.records} records>"

    def restore(self) -> None:
        """Let the parking be as it was; consumers stay connected and get what was not acknowledged then."""
        self._parking.run(lambda: self._parking.project.go_back(self._checkpoint.moment))

    def fork(self) -> P:
        """Another parking that begins as this one was then, as `Parking.fork`."""
        return self._parking.forked(self._checkpoint.moment)

    def delete(self) -> None:
        """Keep it no more. UnknownCheckpointError if it is gone already."""
        self._parking.run(lambda: self._parking.project.checkpoints.drop(self.name))
