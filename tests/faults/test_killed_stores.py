"""A store's change killed at any point ends, after recovery, in the old or the new rows: at more than 300 points."""

import random
import shutil
import tempfile
import time
from collections.abc import Callable, Iterator
from dataclasses import dataclass, field
from pathlib import Path

import pytest

from catalog_app.store.commit.journal import operations
from catalog_app.store.commit.recovery import recover
from catalog_app.tests.store.trees import leftovers
from tests.faults.store_crashes import OPERATIONS, Seen, StoreCrasher, look, store_crasher, three_files

RANDOM_KILLS = 5  # of each operation


@pytest.fixture(scope="module")
def crasher() -> Iterator[StoreCrasher]:
    with store_crasher() as crasher:
        yield crasher


@pytest.fixture
def place() -> Iterator[Path]:
    """Memory, where there is some: nothing here needs a disk, and syncing one takes most of the time."""
    memory = Path("/dev/shm")
    with tempfile.TemporaryDirectory(dir=memory if memory.is_dir() else None) as directory:
        yield Path(directory)


@dataclass
class Trial:
    """One operation, tried again and again on copies of the same store."""

    crasher: StoreCrasher
    place: Path
    name: str
    count: int = 0
    outcomes: list[str] = field(default_factory=list)

    def __post_init__(self) -> None:
        self.operation = OPERATIONS[self.name]
        (self.place / "template").mkdir()
        self.operation.prepare(self.place / "template")
        self.old = look(self.place / "template" / self.operation.store)
        reference = self.copy()
        died, self.steps = self.crasher.run(self.name, reference)
        assert not died
        self.new = look(reference / self.operation.store)
        self.allowed = [self.old, self.new]
        if self.operation.otherwise:
            other = self.copy()
            self.crasher.run(self.operation.otherwise, other)
            self.allowed.append(look(other))
        assert leftovers(reference / self.operation.store) == []

    def copy(self) -> Path:
        """A fresh store to change."""
        self.count += 1
        root = self.place / str(self.count)
        shutil.copytree(self.place / "template", root)
        return root

    def killed(self, fate: str, at: str | float) -> bool:
        """Kill it, recover and judge; whether it was alive till then."""
        root = self.copy()
        died, _ = self.crasher.run(self.name, root, fate, at)
        store = root / self.operation.store
        recover(store)
        self.judge(store, look(store), f"{self.name}: {fate} {at}")
        shutil.rmtree(root)
        return died

    def judge(self, store: Path, now: dict[str, Seen], when: str) -> None:
        """Old or new, nothing between, nothing left over, and a journal that knows which."""
        if self.operation.by_directory:
            for directory, seen in now.items():
                assert seen == self.new[directory], f"a mixture after {when}"
        else:
            assert now in self.allowed, f"a mixture after {when}"
        assert leftovers(store) == [], when
        assert {record.state for record in operations(store)} <= {"committed", "undone", "rolled_back"}
        assert recover(store) == [], when
        is_new = now == self.new
        assert self.operation.agrees is None or self.operation.agrees(store, is_new), when
        self.outcomes.append("new" if is_new else "old")


CHANGES = [name for name in OPERATIONS if name != "recover"]


@pytest.mark.parametrize("name", CHANGES)
def test_killed_at_every_step(crasher: StoreCrasher, place: Path, name: str) -> None:
    trial = Trial(crasher, place, name)
    died = [trial.killed("step", step) for step in range(1, len(trial.steps) + 1)]
    assert all(died)
    assert len(died) > 10
    assert "new" in trial.outcomes
    if trial.old != trial.new:
        assert "old" in trial.outcomes
        assert trial.outcomes == sorted(trial.outcomes, reverse=True), "once decided, an operation never goes back"


@pytest.mark.parametrize("name", CHANGES)
def test_killed_at_any_time(crasher: StoreCrasher, place: Path, name: str) -> None:
    trial = Trial(crasher, place, name)
    reference = trial.copy()
    begun = time.perf_counter()
    crasher.run(name, reference)
    duration = time.perf_counter() - begun
    chance = random.Random(name)
    for _ in range(RANDOM_KILLS):
        trial.killed("delay", chance.uniform(0, duration))
    assert len(trial.outcomes) == RANDOM_KILLS


@pytest.mark.parametrize("step", ["placed ", "settled", "switched back"])
def test_a_recovery_killed_at_every_step_is_finished_by_the_next(crasher: StoreCrasher, place: Path, step: str) -> None:
    """Recovery goes forward from each stage of a commit, or back from each stage of taking one back."""
    name = "replace refused" if step == "switched back" else "replace"
    trial = Trial(crasher, place, name)
    points = 1
    while crashed_recovery(trial, step, points):
        points += 1
    assert points > 3
    assert len(trial.outcomes) == points


def crashed_recovery(trial: Trial, step: str, point: int) -> bool:
    """Kill an operation at a step and its recovery at a point, recover again and judge; False beyond the last point."""
    root = trial.copy()
    assert trial.crasher.run(trial.name, root, "named", step)[0]
    died, _ = trial.crasher.run("recover", root, "step", point)
    recover(root)
    trial.judge(root, look(root), f"{step}, then recovery: step {point}")
    shutil.rmtree(root)
    return died


def test_the_judge_sees_a_mixture(place: Path) -> None:
    """What the other tests rely on."""
    three_files(place)
    before = look(place)
    breaks: list[Callable[[], object]] = [
        lambda: next((place / "data/quote_tick/EURUSD.SIM").iterdir()).rename(place / "data/away.parquet"),
        (place / "data/away.parquet").unlink,
    ]
    for one in breaks:
        one()
        assert look(place) != before
