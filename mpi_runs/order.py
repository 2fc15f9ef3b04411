"""Which members to run next, and how many at a time: the longest first, by a cost that is learnt."""

import math
from array import array
from collections.abc import Callable, Iterable
from dataclasses import dataclass, field

LEAST_CHUNK = 0.1  # s of work per task of the farm, which costs about 0.5 ms: overhead below 1 %
MANAGER = 4e-4  # s of work per task and worker: the manager hands out 5000 tasks/s, half of that is enough

Cost = Callable[[int], tuple[int, float]]
"""``cost(member)`` returns a group and a factor: the expected duration in any unit."""


@dataclass(slots=True)
class DurationGroup:
    """Members that are expected to take equally long, but for a factor each."""

    members: "array[int]" = field(default_factory=lambda: array("q"))  # the longest last
    waiting: float = 0.0  # sum of the factors of those
    wall: float = 0.0  # s, of the finished ones
    expected: float = 0.0  # sum of the factors of the finished ones

    def add(self, member: int, factor: float) -> None:
        """Append a member, which is the next one to run."""
        self.members.append(member)
        self.waiting += factor

    def sort(self, factor: Callable[[int], float]) -> None:
        """Bring the members into the order of their factors, the longest last."""
        # Backwards, since the end is where a list is cheap to shorten.
        key = [(factor(member), -member) for member in self.members]
        if key != sorted(key):
            self.members = array("q", [-number for _, number in sorted(key)])

    def take(self, size: int, factor: Callable[[int], float]) -> list[int]:
        """Return the next members to run, which wait no more."""
        chunk = [self.members.pop() for _ in range(size)]
        self.waiting -= sum(factor(member) for member in chunk)
        return chunk

    def learn(self, wall: float, factor: float) -> None:
        """Take note of how long (s) a member with a factor took."""
        self.wall += wall
        self.expected += factor

    def scale(self) -> float:
        """Return the seconds per unit of factor, as far as known."""
        return self.wall / self.expected if self.expected else math.inf


class Order:
    """Members still to run.

    Parameters
    ----------
    members : iterable of int
    workers : int
    cost : callable
        Group (a point of a sweep) and factor of a member, in a unit that is the same for all groups.

    Notes
    -----
    A group of which nothing has finished is scaled like the others together. Nothing random enters, and the
    order does not enter the results. The memory is 8 bytes per member.
    """

    def __init__(self, members: Iterable[int], workers: int, cost: Cost = lambda member: (0, 1.0)) -> None:
        self.workers, self.cost = workers, cost
        self.groups: dict[int, DurationGroup] = {}
        for member in members:
            group, factor = cost(member)
            self.groups.setdefault(group, DurationGroup()).add(member, factor)
        for queue in self.groups.values():
            queue.sort(self._factor)
        self.left = sum(len(queue.members) for queue in self.groups.values())
        self.total = DurationGroup()

    def next(self) -> list[int]:
        """Return the members of the next task, none if all were handed out."""
        best = max(
            (key for key, group in self.groups.items() if group.members),
            key=lambda key: (self._seconds(key), -key),
            default=None,
        )
        if best is None:
            return []
        group = self.groups[best]
        size = min(self._chunk(self._seconds(best)), len(group.members))
        self.left -= size
        return group.take(size, self._factor)

    def again(self, member: int) -> None:
        """Put back a member that must run again."""
        group, factor = self.cost(member)
        self.groups[group].add(member, factor)
        self.left += 1

    def learn(self, member: int, wall: float) -> None:
        """Take note of how long a member took (s)."""
        group, factor = self.cost(member)
        for queue in (self.groups[group], self.total):
            queue.learn(wall, factor)

    def seconds_left(self) -> float:
        """Return the work (s of one worker) that is not handed out, NaN while nothing has finished."""
        if not self.total.expected:
            return math.nan
        return sum(group.waiting * self._scale(group) for group in self.groups.values())

    def _factor(self, member: int) -> float:
        return self.cost(member)[1]

    def _scale(self, group: DurationGroup) -> float:
        return group.scale() if group.expected else self.total.scale()

    def _seconds(self, key: int) -> float:
        """Return the expected duration of the next member of a group; relative while nothing is known."""
        group = self.groups[key]
        scale = self._scale(group)
        return self.cost(group.members[-1])[1] * (scale if math.isfinite(scale) else 1.0)

    def _chunk(self, seconds: float) -> int:
        if not self.total.expected:
            return 1
        size = math.ceil(max(LEAST_CHUNK, MANAGER * self.workers) / max(seconds, 1e-6))
        # Small near the end, so that no worker is left with a long last task.
        return max(1, min(size, self.left // (4 * self.workers)))
