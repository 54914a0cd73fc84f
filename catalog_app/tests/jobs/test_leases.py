"""One job at a time may change a dataset."""

import threading
import uuid
from datetime import timedelta

import pytest
from django.db import connection
from django.utils import timezone
from hypothesis import settings
from hypothesis import strategies as st
from hypothesis.stateful import RuleBasedStateMachine, invariant, rule, run_state_machine_as_test

from catalog_app.models import DatasetLease, Store
from catalog_app.services import leases
from catalog_app.services.errors import DatasetLocked, LeaseLost

pytestmark = pytest.mark.django_db


@pytest.fixture
def store(tmp_path) -> Store:
    return Store.objects.create(name="s", root=str(tmp_path))


def expire() -> None:
    DatasetLease.objects.update(expires_at=timezone.now() - timedelta(seconds=1))


def test_a_lease_is_held_and_given_back(store):
    claim = uuid.uuid4()
    with leases.hold(store, ["data/bar/a", "data/bar/b"], claim, "import"):
        assert DatasetLease.objects.filter(holder=claim).count() == 2
        leases.assert_held(store, ["data/bar/a", "data/bar/b"], claim)
    assert not DatasetLease.objects.exists()


def test_a_failure_gives_the_lease_back(store):
    with pytest.raises(RuntimeError), leases.hold(store, ["data/bar/a"], uuid.uuid4(), "import"):
        raise RuntimeError
    assert not DatasetLease.objects.exists()


def test_a_second_job_is_told_who_holds_it_and_since_when(store):
    with leases.hold(store, ["data/bar/b"], uuid.uuid4(), "import of eurusd.csv"):
        since = DatasetLease.objects.get().acquired_at
        with (
            pytest.raises(DatasetLocked) as refusal,
            leases.hold(store, ["data/bar/a", "data/bar/b"], uuid.uuid4(), "x"),
        ):
            pass
        assert "data/bar/b" in str(refusal.value)
        assert "import of eurusd.csv" in str(refusal.value)
        assert f"{since:%Y-%m-%d %H:%M:%S} UTC" in str(refusal.value)
        assert DatasetLease.objects.count() == 1, "a refused job holds nothing, not even what was free"


def test_other_datasets_and_stores_are_free(store, tmp_path):
    other = Store.objects.create(name="o", root=str(tmp_path / "o"))
    with (
        leases.hold(store, ["data/bar/a"], uuid.uuid4(), "x"),
        leases.hold(store, ["data/bar/b"], uuid.uuid4(), "x"),
        leases.hold(other, ["data/bar/a"], uuid.uuid4(), "x"),
    ):
        assert DatasetLease.objects.count() == 3


def test_an_expired_lease_is_taken_over_and_its_holder_notices(store):
    dead, successor = uuid.uuid4(), uuid.uuid4()
    with leases.hold(store, ["data/bar/a"], dead, "x"):
        expire()
        with leases.hold(store, ["data/bar/a"], successor, "y"):
            with pytest.raises(LeaseLost, match="nothing was changed"):
                leases.assert_held(store, ["data/bar/a"], dead)
            leases.assert_held(store, ["data/bar/a"], successor)
        assert not DatasetLease.objects.exists()


def test_an_expired_lease_is_not_held_even_if_nobody_took_it(store):
    claim = uuid.uuid4()
    with leases.hold(store, ["data/bar/a"], claim, "x"):
        expire()
        assert leases.renew(claim) == 0
        with pytest.raises(LeaseLost):
            leases.assert_held(store, ["data/bar/a"], claim)


def test_renewing_keeps_others_out(store):
    claim = uuid.uuid4()
    with leases.hold(store, ["data/bar/a"], claim, "x"):
        DatasetLease.objects.update(expires_at=timezone.now() + timedelta(seconds=1))
        assert leases.renew(claim) == 1
        assert DatasetLease.objects.get().expires_at > timezone.now() + timedelta(seconds=50)


def test_part_of_the_leases_is_not_enough(store):
    claim = uuid.uuid4()
    with leases.hold(store, ["data/bar/a"], claim, "x"), pytest.raises(LeaseLost):
        leases.assert_held(store, ["data/bar/a", "data/bar/b"], claim)


@pytest.mark.django_db(transaction=True)
def test_of_many_that_want_it_at_once_one_gets_it(store):
    start, end = threading.Barrier(5), threading.Barrier(5)
    outcomes: list[str] = []

    def want():
        try:
            start.wait()
            try:
                with leases.hold(store, ["data/bar/a"], uuid.uuid4(), "x"):
                    outcomes.append("held")
                    end.wait()
            except DatasetLocked:
                outcomes.append("locked")
                end.wait()
        finally:
            connection.close()

    threads = [threading.Thread(target=want) for _ in range(5)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    assert sorted(outcomes) == ["held"] + ["locked"] * 4


@pytest.mark.django_db
def test_no_order_of_steps_gives_a_dataset_to_two(store):
    """Any order of taking, expiring, renewing and giving back, by three jobs over three datasets."""

    class Leases(RuleBasedStateMachine):
        claims = [uuid.UUID(int=number) for number in range(3)]

        def __init__(self):
            super().__init__()
            DatasetLease.objects.all().delete()
            self.held: dict[str, uuid.UUID] = {}
            self.expired: set[str] = set()

        @rule(who=st.integers(0, 2), paths=st.sets(st.sampled_from("abc"), min_size=1))
        def take(self, who, paths):
            claim = self.claims[who]
            free = all(path not in self.held or path in self.expired for path in paths)
            try:
                leases._acquire(store, sorted(paths), claim, "x")
            except DatasetLocked:
                assert not free
            else:
                assert free
                self.held |= dict.fromkeys(paths, claim)
                self.expired -= paths

        @rule(path=st.sampled_from("abc"))
        def expire(self, path):
            if DatasetLease.objects.filter(path=path).update(expires_at=timezone.now() - timedelta(seconds=1)):
                self.expired.add(path)

        @rule(who=st.integers(0, 2))
        def renew(self, who):
            alive = [p for p, claim in self.held.items() if claim == self.claims[who] and p not in self.expired]
            assert leases.renew(self.claims[who]) == len(alive)

        @rule(who=st.integers(0, 2))
        def release(self, who):
            leases.release(self.claims[who])
            self.held = {path: claim for path, claim in self.held.items() if claim != self.claims[who]}
            self.expired &= self.held.keys()

        @rule(who=st.integers(0, 2), path=st.sampled_from("abc"))
        def commit(self, who, path):
            mine = self.held.get(path) == self.claims[who] and path not in self.expired
            try:
                leases.assert_held(store, [path], self.claims[who])
            except LeaseLost:
                assert not mine
            else:
                assert mine

        @invariant()
        def rows_are_what_is_held(self):
            assert dict(DatasetLease.objects.values_list("path", "holder")) == self.held

    run_state_machine_as_test(Leases, settings=settings(max_examples=25, stateful_step_count=20, deadline=None))
