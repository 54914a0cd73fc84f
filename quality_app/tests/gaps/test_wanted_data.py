"""Wanted data: how declarations stand against datasets, the lead's ranges, pasted lines, and the pages."""

from datetime import date
from uuid import uuid4

import pytest
from django.test import Client
from django.urls import reverse
from django.utils import timezone
from pytest_django.fixtures import DjangoAssertNumQueries

from catalog_app.forms.fields import parse_moment
from catalog_app.models import Dataset, Instrument, Job, Store
from quality_app.lengths import length_text, parse_length
from quality_app.models import MonthCompleteness, WantedData
from quality_app.services.wanted import wanted_range
from quality_app.services.wanted_lines import declare_present, keep, plan
from quality_app.services.wanted_listing import Filters, due, listing
from quality_app.services.wanted_status import State, Status, statuses

NS = 10**9
HOUR = 3600 * NS
DAY = 24 * HOUR
MONDAY = parse_moment("2024-03-04")
FRIDAY_CLOSE = parse_moment("2024-03-08 22:00")  # 17:00 in New York
SUNDAY_OPEN = parse_moment("2024-03-10 21:00")  # after the clock change
FORM = {"instrument_id": "EUR/USD.SIM", "data_type": "bar", "timeframe": "1-minute-bid", "start": "2024-03-04"}


@pytest.fixture
def store(db: None) -> Store:
    return Store.objects.create(name="one", root="/nowhere/one")


def dataset_of(store: Store, instrument: str, start_ns: int, end_ns: int, **more: object) -> Dataset:
    """Minute bars in the index, unless `more` says otherwise."""
    known: dict[str, object] = {"data_type": "bar", "timeframe": "1-MINUTE-BID"} | more
    if known["data_type"] == "bar":
        known["bar_type"] = f"{instrument}-{known['timeframe']}-EXTERNAL"
    symbol, _, venue = instrument.rpartition(".")
    life = {"expiration_ns": more.pop("expiration_ns", None), "symbol": symbol, "venue": venue}
    definition, _ = Instrument.objects.get_or_create(store=store, instrument_id=instrument, defaults=life)
    known.pop("expiration_ns", None)
    return Dataset.objects.create(
        store=store,
        path=f"data/{uuid4()}",
        venue=venue,
        definition=definition,
        instrument_id=instrument,
        start_ns=start_ns,
        end_ns=end_ns,
        **known,
    )


def wanted(instrument: str, start_ns: int, end_ns: int | None = None, **more: object) -> WantedData:
    known: dict[str, object] = {"data_type": "bar", "timeframe": "1-MINUTE-BID"} | more
    return WantedData.objects.create(instrument_id=instrument, start_ns=start_ns, end_ns=end_ns, **known)


def status_of(row: WantedData, now_ns: int) -> Status:
    return statuses(WantedData.objects.filter(pk=row.pk), now_ns)[0]


def test_an_instrument_is_matched_however_its_slash_is_kept(store: Store) -> None:
    row = wanted("EURUSD.SIM", MONDAY, MONDAY + DAY)
    assert status_of(row, MONDAY + 2 * DAY).state == State.MISSING
    held = dataset_of(store, "EUR/USD.SIM", MONDAY, MONDAY + DAY)
    dataset_of(store, "EUR/USD.SIM", MONDAY, MONDAY + DAY, timeframe="1-HOUR-BID")
    found = status_of(row, MONDAY + 2 * DAY)
    assert (found.state, found.share, found.datasets) == (State.MET, 1.0, [held])


def test_a_store_narrows_and_of_several_datasets_the_fullest_counts(store: Store) -> None:
    other = Store.objects.create(name="other", root="/nowhere/other")
    any_store, one_store = (
        wanted("EURUSD.SIM", MONDAY, MONDAY + DAY),
        wanted("EURUSD.SIM", MONDAY, MONDAY + DAY, store=other),
    )
    assert [status_of(row, MONDAY + DAY).state for row in (any_store, one_store)] == [State.MISSING] * 2
    half = dataset_of(store, "EURUSD.SIM", MONDAY, MONDAY + DAY // 2)
    whole = dataset_of(other, "EURUSD.SIM", MONDAY, MONDAY + DAY)
    assert [one.pk for one in status_of(any_store, MONDAY + DAY).datasets] == [whole.pk, half.pk]
    assert status_of(one_store, MONDAY + DAY).datasets == [whole]


def test_ends_count_as_missing_and_closed_hours_do_not(store: Store) -> None:
    """Wanted for a week of 120 trading hours, there from Tuesday on: a day of five is missing."""
    dataset_of(store, "EURUSD.SIM", FRIDAY_CLOSE - 96 * HOUR, FRIDAY_CLOSE)
    found = status_of(wanted("EURUSD.SIM", FRIDAY_CLOSE - 5 * DAY, SUNDAY_OPEN), SUNDAY_OPEN)
    assert found.state == State.PARTIAL
    assert found.share == pytest.approx(0.8, abs=0.001)


def test_scanned_holes_count_and_explained_ones_do_not(store: Store) -> None:
    held = dataset_of(store, "BTCUSDT.BINANCE", parse_moment("2024-03-01"), parse_moment("2024-05-01"))
    row = wanted("BTCUSDT.BINANCE", parse_moment("2024-03-01"), parse_moment("2024-04-30", end=True))
    now = parse_moment("2024-06-01")
    assert status_of(row, now).state == State.MET
    counts = {"expected": 100, "days": {}}
    april = MonthCompleteness.objects.create(dataset=held, month=date(2024, 4, 1), missing=20, explained=20, **counts)
    assert status_of(row, now).state == State.MET
    april.explained = 0
    april.save()
    found = status_of(row, now)
    assert found.state == State.PARTIAL
    assert found.share == pytest.approx(1 - 0.2 * 30 / 61)


def test_a_weekend_makes_nothing_overdue(store: Store) -> None:
    """Quotes end 10 minutes before Friday's close; on Sunday evening 20 minutes of trading have passed since."""
    dataset_of(store, "EURUSD.SIM", MONDAY, FRIDAY_CLOSE - 600 * NS, data_type="quote", timeframe="")
    row = wanted("EURUSD.SIM", MONDAY, data_type="quote", timeframe="", max_age_seconds=1200)
    now = SUNDAY_OPEN + 600 * NS
    at_limit, late = status_of(row, now), status_of(row, now + 60 * NS)
    assert (at_limit.state, at_limit.age_ns) == (State.MET, 1200 * NS)
    assert (late.state, late.age_ns, late.since_ns) == (State.OVERDUE, 1260 * NS, now)


def test_an_expired_contract_is_not_late(store: Store) -> None:
    dataset_of(store, "6EH4.GLBX", MONDAY, FRIDAY_CLOSE, expiration_ns=FRIDAY_CLOSE)
    row = wanted("6EH4.GLBX", MONDAY, max_age_seconds=3600)
    assert status_of(row, FRIDAY_CLOSE + 30 * DAY).state == State.MET


def test_what_lies_ahead_is_not_due_and_what_is_paused_asks_nothing(store: Store) -> None:
    assert status_of(wanted("A.SIM", MONDAY + DAY), MONDAY).state == State.PENDING
    assert status_of(wanted("B.SIM", MONDAY, is_active=False), MONDAY + DAY).state == State.PAUSED
    dataset_of(store, "C.SIM", MONDAY, MONDAY)
    Dataset.objects.update(start_ns=None, end_ns=None)
    assert status_of(wanted("C.SIM", MONDAY), MONDAY + DAY).state == State.UNKNOWN


def test_many_declarations_cost_as_many_queries_as_one(
    store: Store, django_assert_max_num_queries: DjangoAssertNumQueries
) -> None:
    for number in range(30):
        dataset_of(store, f"A{number}.SIM", MONDAY, FRIDAY_CLOSE)
        wanted(f"A{number}.SIM", MONDAY)
    with django_assert_max_num_queries(4):
        assert len(statuses(WantedData.objects.all(), FRIDAY_CLOSE)) == 30


def test_the_wanted_range_is_the_union_of_what_is_active(store: Store) -> None:
    held = dataset_of(store, "EUR/USD.SIM", MONDAY, FRIDAY_CLOSE)
    assert wanted_range(held) == (None, None)
    other = Store.objects.create(name="other", root="/nowhere/other")
    wanted("EURUSD.SIM", MONDAY - 9 * DAY, is_active=False)
    in_other = wanted("EURUSD.SIM", MONDAY - 8 * DAY, MONDAY, store=other)
    assert wanted_range(held) == (None, None)
    in_other.store = store
    in_other.save()
    assert wanted_range(held) == (MONDAY - 8 * DAY, MONDAY)
    WantedData.objects.filter(is_active=False).update(is_active=True, start_ns=MONDAY, max_age_seconds=60)
    start, end = wanted_range(held)
    assert start == MONDAY - 8 * DAY
    assert end is not None
    assert end > FRIDAY_CLOSE
    assert end % HOUR == 0


LINES = """instrument, type, timeframe, from, to, max age
EUR/USD.SIM, bars, 1-minute-bid, 2024-01-01, now, 15 min
EURUSD.SIM, bar, 1-MINUTE-BID, 2024-02-01
EURUSD.SIM, quote, , 2024-01-01, 2024-01-31, , one, "bought, not recorded"

EURUSD, quote, , 2024-01-01
EURUSD.SIM, tick, , 2024-01-01
EURUSD.SIM, bar, , 2024-01-01
EURUSD.SIM, bar, 1-FORTNIGHT-BID, 2024-01-01
EURUSD.SIM, trade, 1-MINUTE-BID, 2024-01-01
EURUSD.SIM, trade, , 1.1.2024
EURUSD.SIM, trade, , 2024-02-01, 2024-01-01
EURUSD.SIM, trade, , 2024-02-01, , soon
EURUSD.SIM, trade, , 2024-02-01, , , two
GBPUSD.SIM, quote, , 2024-01-01
"""
REASONS = {
    3: "in line 2 already",
    6: "SYMBOL.VENUE",
    7: "no data type",
    8: "Say which bars",
    9: "FORTNIGHT",
    10: "Only bars have a timeframe",
    11: "Write 2024-01-31",
    12: "before the start",
    13: "no length of time",
    14: "no store 'two'",
    15: "wanted already",
}


def test_pasted_lines_make_declarations_or_say_why_not(store: Store) -> None:
    wanted("GBPUSD.SIM", MONDAY, data_type="quote", timeframe="")
    found = plan(LINES, parse_moment)
    assert {line.number for line in found.refused} == set(REASONS)
    assert [line for line in found.refused if REASONS[line.number] not in line.problem] == []
    assert keep(found.rows, None) == 2
    bars, quotes = WantedData.objects.exclude(instrument_id="GBPUSD.SIM").order_by("data_type")
    assert (bars.instrument_id, bars.timeframe, bars.end_ns, bars.max_age_seconds) == (
        "EURUSD.SIM",
        "1-MINUTE-BID",
        None,
        900,
    )
    assert (quotes.store, quotes.note, quotes.end_ns) == (
        store,
        "bought, not recorded",
        parse_moment("2024-02-01") - 1,
    )
    assert keep(plan(LINES, parse_moment).rows, None) == 0


@pytest.mark.parametrize("separator", ["\t", ";"])
def test_copied_cells_work_too(store: Store, separator: str) -> None:
    found = plan(separator.join(["BTC-USDT.OKX", "trade", "", "2024-01-01 00:00", "", "2 h"]), parse_moment)
    assert [(row.instrument_id, row.max_age_seconds) for row in found.rows] == [("BTC-USDT.OKX", 7200)]


def test_what_is_no_list_is_refused_as_a_whole(db: None) -> None:
    assert "no line" in plan(" \n\n", parse_moment).problem
    assert "at most 5,000" in plan("x\n" * 5001, parse_moment).problem
    assert plan('A.B, quote, "' + "x" * 3000, parse_moment).refused[0].problem.startswith("A line has at most")


@pytest.mark.parametrize(("text", "seconds"), [("90 s", 90), ("15min", 900), ("1 d 12 h", 129_600), ("2w", 1_209_600)])
def test_a_length_is_read_and_told_exactly(text: str, seconds: int) -> None:
    assert parse_length(text) == seconds
    assert parse_length(length_text(seconds)) == seconds


@pytest.mark.parametrize("text", ["", "15", "1.5 h", "-1 h", "0 s", "1 month", "99999 w", "h", "1 h x"])
def test_what_is_no_length_is_refused(text: str) -> None:
    with pytest.raises(ValueError, match="Write 90 s"):
        parse_length(text)


def test_what_is_there_is_declared_once(store: Store) -> None:
    first, second = (
        dataset_of(store, "EUR/USD.SIM", MONDAY + DAY, FRIDAY_CLOSE),
        Store.objects.create(name="other", root="/nowhere/other"),
    )
    dataset_of(second, "EURUSD.SIM", MONDAY, FRIDAY_CLOSE)
    dataset_of(store, "X.SIM", MONDAY, FRIDAY_CLOSE, data_type="custom", timeframe="")
    assert declare_present(Dataset.objects.all(), 3600, None) == 1
    row = WantedData.objects.get()
    assert (row.store, row.start_ns, row.end_ns, row.max_age_seconds) == (None, MONDAY, None, 3600)
    assert declare_present([first], None, None, in_store=True) == 0


def test_what_is_late_comes_newest_first(store: Store) -> None:
    dataset_of(store, "OLD.BINANCE", MONDAY, MONDAY + DAY)
    dataset_of(store, "NEW.BINANCE", MONDAY, MONDAY + 2 * DAY)
    dataset_of(store, "MET.BINANCE", MONDAY, FRIDAY_CLOSE)
    for name in ("OLD", "NEW"):
        wanted(f"{name}.BINANCE", MONDAY, max_age_seconds=60)
    wanted("MET.BINANCE", MONDAY, MONDAY + DAY)
    late, active = due()
    assert ([status.wanted.instrument_id for status in late], active) == (["NEW.BINANCE", "OLD.BINANCE"], 3)


def test_the_list_filters_counts_and_sorts(store: Store) -> None:
    dataset_of(store, "B.BINANCE", MONDAY, MONDAY + DAY)
    for name, data_type in (("A", "trade"), ("B", "bar"), ("C", "bar")):
        timeframe = "1-MINUTE-BID" if data_type == "bar" else ""
        wanted(f"{name}.BINANCE", MONDAY, MONDAY + DAY, data_type=data_type, timeframe=timeframe)
    found = listing(Filters(data_type="bar"))
    assert (found.counts, found.total) == ([(State.MISSING, 1), (State.MET, 1)], 2)
    assert [status.wanted.instrument_id for status in listing(Filters(state="met")).statuses] == ["B.BINANCE"]
    names = [status.wanted.instrument_id[0] for status in listing(Filters(sort="-instrument")).statuses]
    assert names == ["C", "B", "A"]
    assert Filters.read({"sort": "-nonsense", "state": "none"}) == Filters()


@pytest.mark.parametrize("name", ["wanted", "wanted-due", "wanted-add", "wanted-paste", "wanted-present"])
def test_pages_need_the_permission(nobody_client: Client, trader_client: Client, name: str) -> None:
    assert nobody_client.get(reverse(f"quality:{name}")).status_code == 403
    assert trader_client.get(reverse(f"quality:{name}")).status_code == 200


def test_a_declaration_is_made_changed_and_removed_and_its_dataset_scanned(trader_client: Client, store: Store) -> None:
    held = dataset_of(store, "EUR/USD.SIM", MONDAY, FRIDAY_CLOSE, last_scanned=timezone.now())
    assert trader_client.post(reverse("quality:wanted-add"), {**FORM, "is_active": "on"}).status_code == 302
    row = WantedData.objects.get()
    assert (row.instrument_id, row.timeframe, row.start_ns) == ("EURUSD.SIM", "1-MINUTE-BID", MONDAY)
    assert row.created_by is not None
    job = Job.objects.get()
    assert (job.kind, job.parameters) == ("scan_gaps", {"datasetIds": [str(held.pk)]})
    again = trader_client.post(reverse("quality:wanted-add"), {**FORM, "is_active": "on"})
    assert again.status_code == 422
    assert "wanted already" in again.content.decode()
    edit = reverse("quality:wanted-edit", args=[row.pk])
    assert "2024-03-04 00:00:00" in trader_client.get(edit).content.decode()
    changed = {**FORM, "max_age": "15 min", "note": "for the desk"}
    assert trader_client.post(edit, changed).status_code == 302
    row.refresh_from_db()
    assert (row.max_age_seconds, row.note, row.is_active) == (900, "for the desk", False)
    assert trader_client.post(reverse("quality:wanted-remove", args=[row.pk])).status_code == 302
    assert not WantedData.objects.exists()


@pytest.mark.parametrize(
    ("fields", "reason"),
    [
        ({"instrument_id": "EURUSD"}, "is no instrument"),
        ({"timeframe": ""}, "Say which bars"),
        ({"timeframe": "1-DOG-BID"}, "is no timeframe such as"),
        ({"data_type": "quote"}, "Only bars have a timeframe"),
        ({"end": "2024-03-03"}, "The end lies before the start."),
        ({"start": "1890-01-01"}, "from 1970 to 2262"),
        ({"max_age": "soon"}, "is no length of time"),
        ({"max_age": "1 h", "end": "2024-03-05"}, "Only data that is wanted until now"),
    ],
)
def test_a_wrong_declaration_says_what_to_do(trader_client: Client, fields: dict[str, str], reason: str) -> None:
    response = trader_client.post(reverse("quality:wanted-add"), {**FORM, **fields})
    assert response.status_code == 422
    assert reason in response.content.decode()
    assert not WantedData.objects.exists()


def test_pasting_shows_first_and_keeps_then(trader_client: Client, store: Store) -> None:
    page = reverse("quality:wanted-paste")
    shown = trader_client.post(page, {"lines": LINES})
    text = shown.content.decode()
    assert "10 lines refused" in text
    assert "3 declarations to keep" in text
    assert not WantedData.objects.exists()
    assert trader_client.post(page, {"lines": LINES, "keep": "1"}).status_code == 302
    assert WantedData.objects.count() == 3
    assert trader_client.post(page, {"lines": "nonsense"}).status_code == 422
    assert "Paste one line" in trader_client.post(page, {"lines": ""}).content.decode()


def test_chosen_datasets_are_declared(trader_client: Client, store: Store) -> None:
    chosen = dataset_of(store, "EUR/USD.SIM", MONDAY, FRIDAY_CLOSE)
    dataset_of(store, "GBP/USD.SIM", MONDAY, FRIDAY_CLOSE)
    page = reverse("quality:wanted-present")
    assert "Choose at least one dataset" in trader_client.post(page, {"dataset": ["no-key"]}).content.decode()
    sent = {"dataset": [str(chosen.pk)], "max_age": "1 d", "in_store": "on"}
    assert trader_client.post(page, sent).status_code == 302
    row = WantedData.objects.get()
    assert (row.instrument_id, row.store, row.max_age_seconds) == ("EURUSD.SIM", store, 86_400)
    assert trader_client.post(f"{page}?q=GBP", {"all": "1"}).status_code == 302
    assert WantedData.objects.count() == 2
    assert "Everything is declared" in trader_client.get(page).content.decode()


def test_the_overview_asks_for_what_is_late(trader_client: Client, store: Store) -> None:
    address = reverse("quality:wanted-due")
    assert address in trader_client.get(reverse("overview")).content.decode()
    assert "No data is declared as wanted" in trader_client.get(address).content.decode()
    row = wanted("A.SIM", MONDAY)
    assert "Missing" in trader_client.get(address).content.decode()
    row.is_active = False
    row.save()
    wanted("B.SIM", parse_moment("2200-01-01"))
    assert "Nothing is overdue or missing" in trader_client.get(address).content.decode()
    assert "Paused" in trader_client.get(reverse("quality:wanted")).content.decode()


def test_the_admin_uses_the_same_form(admin_client: Client, store: Store) -> None:
    add = reverse("admin:quality_app_wanteddata_add")
    assert admin_client.post(add, {**FORM, "is_active": "on"}).status_code == 302
    row = WantedData.objects.get()
    assert row.timeframe == "1-MINUTE-BID"
    change = reverse("admin:quality_app_wanteddata_change", args=[row.pk])
    assert "2024-03-04 00:00:00" in admin_client.get(change).content.decode()
    assert admin_client.get(reverse("admin:quality_app_wanteddata_changelist")).status_code == 200
    incident = {"title": "Down", "venue": "SIM", "start": "2024-03-04"}
    dataset_of(store, "EUR/USD.SIM", MONDAY, FRIDAY_CLOSE)
    assert admin_client.post(reverse("admin:quality_app_sourceincident_add"), incident).status_code == 302
    assert admin_client.get(reverse("admin:quality_app_sourceincident_changelist")).status_code == 200
