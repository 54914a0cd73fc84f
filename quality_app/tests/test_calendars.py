"""Which calendar a dataset follows: assignments from the narrowest to the widest, changed days, digests."""

from collections.abc import Callable
from datetime import date
from typing import Any

import pytest
from pytest_django import DjangoAssertNumQueries

from catalog_app.models import Dataset, Instrument, Store
from quality_app.calendars import ALWAYS, FX_WEEK, LEARNED
from quality_app.models import CalendarAssignment, CalendarDay, TradingCalendar
from quality_app.services.calendars import Calendars, calendar_of, life_of
from quality_app.services.context import check_context
from quality_app.sessions import DAY_NS, sessions, zone_of

# 2024-03-04 was a Monday.
MONDAY_NS = 1_709_510_400_000_000_000
WEEK = dict.fromkeys(("monday", "tuesday", "wednesday", "thursday", "friday"), "09:00-17:00")


@pytest.fixture
def store(db: None) -> Store:
    return Store.objects.create(name="one", root="/nowhere")


@pytest.fixture
def make(store: Store) -> Callable[..., Dataset]:
    """Make a dataset of 6EH4.XCME, or of another instrument."""

    def add(instrument_id: str = "6EH4.XCME", symbol: str = "6EH4", **known: Any) -> Dataset:
        venue = instrument_id.rpartition(".")[2]
        fields = {"asset_class": "FX", "instrument_class": "futures_contract", **known}
        definition = Instrument.objects.create(
            store=store, instrument_id=instrument_id, symbol=symbol, venue=venue, **fields
        )
        path = f"data/bar/{instrument_id}"
        return Dataset.objects.create(
            store=store, instrument_id=instrument_id, venue=venue, data_type="bar", path=path, definition=definition
        )

    return add


def own(name: str = "mine", **values: str) -> TradingCalendar:
    return TradingCalendar.objects.create(name=name, label=name, **{"zone": "Europe/Berlin", **WEEK, **values})


def days_of(dataset: Dataset) -> list[date]:
    """Session days of the first week of March 2024."""
    return sessions(calendar_of(dataset), MONDAY_NS, MONDAY_NS + 5 * DAY_NS - 1)["day"].unique().sort().to_list()


def test_the_narrowest_assignment_wins(make: Callable[..., Dataset]) -> None:
    dataset = make()
    assert calendar_of(dataset).name == "CMEGlobex_FX"
    scopes: list[dict[str, Any]] = [
        {"asset_class": "FX"},
        {"venue": "XCME"},
        {"venue": "XCME", "asset_class": "FX"},
        {"venue": "XCME", "product": "6E"},
        {"instrument_id": "6EH4.XCME"},
        {"dataset": dataset},
    ]
    for number, scope in enumerate(scopes):
        CalendarAssignment.objects.create(calendar=own(f"own-{number}"), note="why", **scope)
        assert calendar_of(dataset).name == f"own-{number}"


@pytest.mark.parametrize(
    "scope",
    [
        {"venue": "XCBT"},
        {"venue": "XCME", "product": "6"},
        {"venue": "XCME", "product": "6J"},
        {"venue": "XCBT", "product": "6E"},
        {"venue": "XCME", "asset_class": "INDEX"},
        {"instrument_id": "6EM4.XCME"},
        {"asset_class": "EQUITY"},
    ],
)
def test_what_is_assigned_for_others_does_not_hold(make: Callable[..., Dataset], scope: dict[str, str]) -> None:
    CalendarAssignment.objects.create(built_in=ALWAYS, note="why", **scope)
    assert calendar_of(make()).name == "CMEGlobex_FX"


def test_an_instrument_is_meant_with_and_without_its_slash(make: Callable[..., Dataset]) -> None:
    dataset = make("EURUSD.SIM", "EUR/USD", instrument_class="currency_pair")
    CalendarAssignment.objects.create(built_in=ALWAYS, note="why", instrument_id="EUR/USD.SIM")
    assert calendar_of(dataset).name == ALWAYS


def test_built_in_calendars_are_assigned_by_any_of_their_names(make: Callable[..., Dataset]) -> None:
    dataset = make("ABC.NOWHERE", "ABC", asset_class="", instrument_class="")
    assert calendar_of(dataset).learned
    one = CalendarAssignment.objects.create(built_in="FX_WEEK", note="why", venue="NOWHERE")
    for written, name in {"FX_WEEK": FX_WEEK, "CME_FX": "CMEGlobex_FX", "XFRA": "XFRA", LEARNED: LEARNED}.items():
        CalendarAssignment.objects.filter(pk=one.pk).update(built_in=written)
        assert calendar_of(dataset).name == name


def test_changed_days_of_a_built_in_calendar_hold_for_all_who_follow_it(make: Callable[..., Dataset]) -> None:
    dataset, before = make(), calendar_of(make("6JM4.XCME", "6JM4"))
    assert date(2024, 3, 6) in days_of(dataset)
    CalendarDay.objects.create(built_in="CME_FX", day=date(2024, 3, 6), reason="outage of the exchange")
    early = CalendarDay.objects.create(built_in="CME_FX", day=date(2024, 3, 7), hours="17:00-12:00", reason="early")
    calendar = calendar_of(dataset)
    assert calendar.name == before.name
    assert calendar.digest != before.digest
    assert zone_of(calendar) == "America/Chicago"
    assert date(2024, 3, 6) not in days_of(dataset)
    thursday = sessions(calendar, MONDAY_NS, MONDAY_NS + 5 * DAY_NS).filter(day=date(2024, 3, 7))
    hour_ns = 3_600_000_000_000
    assert thursday.rows() == [
        (MONDAY_NS + 2 * DAY_NS + 23 * hour_ns, MONDAY_NS + 3 * DAY_NS + 18 * hour_ns, early.day)
    ]


def test_own_hours_and_their_days_are_what_is_expected(make: Callable[..., Dataset]) -> None:
    dataset, calendar = make(), own()
    CalendarAssignment.objects.create(calendar=calendar, note="why", venue="XCME")
    assert days_of(dataset) == [date(2024, 3, number) for number in range(4, 9)]
    CalendarDay.objects.create(calendar=calendar, day=date(2024, 3, 5), reason="holiday")
    assert days_of(dataset) == [date(2024, 3, number) for number in (4, 6, 7, 8)]


def test_each_change_of_hours_is_noticed_at_once_and_changes_the_digest(make: Callable[..., Dataset]) -> None:
    dataset, calendar = make(), own()
    CalendarAssignment.objects.create(calendar=calendar, note="why", venue="XCME")
    digests = [calendar_of(dataset).digest]
    for change in ({"zone": "UTC"}, {"friday": "09:00-12:00"}, {"holidays_of": "XFRA"}, {"saturday": "10:00-11:00"}):
        TradingCalendar.objects.filter(pk=calendar.pk).update(**change)
        digests.append(calendar_of(dataset).digest)
    day = CalendarDay.objects.create(calendar=calendar, day=date(2024, 3, 5), reason="holiday")
    digests.append(calendar_of(dataset).digest)
    CalendarDay.objects.filter(pk=day.pk).update(hours="09:00-10:00")
    digests.append(calendar_of(dataset).digest)
    assert len(set(digests)) == len(digests)
    day.delete()
    TradingCalendar.objects.filter(pk=calendar.pk).update(label="Another label", note="Hours stay.")
    assert calendar_of(dataset).digest == digests[4]


@pytest.mark.parametrize(
    "wrong", [{"zone": "Mars/Base"}, {"holidays_of": "NOPE"}, {"monday": "20:00-10:00", "tuesday": "09:00-10:00"}]
)
def test_hours_that_cannot_be_are_learned_and_say_so(make: Callable[..., Dataset], wrong: dict[str, str]) -> None:
    CalendarAssignment.objects.create(calendar=own(**wrong), note="why", venue="XCME")
    found = calendar_of(make())
    assert found.learned
    assert "the calendar mine cannot be used" in found.label


def test_an_assigned_calendar_that_is_gone_is_learned_and_says_so(make: Callable[..., Dataset]) -> None:
    CalendarAssignment.objects.create(built_in="NOPE", note="why", venue="XCME")
    assert "'NOPE'" in calendar_of(make()).label


def test_many_datasets_cost_one_query(
    make: Callable[..., Dataset], django_assert_num_queries: DjangoAssertNumQueries
) -> None:
    CalendarAssignment.objects.create(calendar=own(), note="why", venue="XCME")
    CalendarDay.objects.create(built_in="CME_FX", day=date(2024, 3, 6), reason="closed")
    datasets = [make(), make("6JM4.XCME", "6JM4"), make("ESM4.XCME", "ESM4")]
    with django_assert_num_queries(1):
        calendars = Calendars.load()
        assert {calendars.of(dataset).name for dataset in datasets} == {"mine"}


def test_checks_depend_on_the_hours_and_not_on_their_name_alone(make: Callable[..., Dataset]) -> None:
    dataset, calendar = make(), own()
    CalendarAssignment.objects.create(calendar=calendar, note="why", venue="XCME")
    before = check_context(dataset)
    TradingCalendar.objects.filter(pk=calendar.pk).update(friday="")
    after = check_context(dataset)
    assert before.calendar == after.calendar == "mine"
    assert before.hours != after.hours


def test_the_life_of_a_contract_is_that_of_its_definition(make: Callable[..., Dataset], store: Store) -> None:
    assert life_of(make("6EM4.XCME", "6EM4", activation_ns=5, expiration_ns=9)) == (5, 9)
    assert life_of(make("6EU4.XCME", "6EU4", activation_ns=0, expiration_ns=9)) == (None, 9)
    assert life_of(Dataset(store=store, venue="XCME")) == (None, None)


def test_a_changed_day_that_cannot_be_makes_hours_learned_and_says_so(make: Callable[..., Dataset]) -> None:
    CalendarDay.objects.create(built_in="CME_FX", day=date(2024, 3, 6), hours="25:00-26:00", reason="typo")
    found = calendar_of(make())
    assert found.learned
    assert "'25:00-26:00' is no span" in found.label
