"""Calendars in the admin: what is refused with which words, the preview, and what a change concerns."""

from datetime import date
from typing import Any

import pytest
from django.test import Client
from django.urls import reverse

from catalog_app.models import Dataset, Store
from quality_app.custom_hours import WEEKDAYS
from quality_app.models import CalendarAssignment, CalendarDay, TradingCalendar

CALENDAR_ADD = "admin:quality_app_tradingcalendar_add"
CALENDAR_CHANGE = "admin:quality_app_tradingcalendar_change"
DAY_ADD = "admin:quality_app_calendarday_add"
ASSIGNMENT_ADD = "admin:quality_app_calendarassignment_add"


@pytest.fixture
def dataset(db: None) -> Dataset:
    store = Store.objects.create(name="one", root="/nowhere")
    return Dataset.objects.create(
        store=store, instrument_id="6EH4.XCME", venue="XCME", data_type="bar", path="data/bar/6EH4.XCME"
    )


def week(days: list[tuple[str, str]] | None = None, **values: str) -> dict[str, Any]:
    """A filled-in form of a calendar that is open from Monday to Friday, with changed days."""
    rows = days or []
    form = {"name": "mine", "label": "Mine", "zone": "Europe/Berlin", "holidays_of": "", "note": ""}
    form |= {name: "" if name in {"saturday", "sunday"} else "09:00-17:30" for name in WEEKDAYS}
    form |= {"days-TOTAL_FORMS": str(len(rows)), "days-INITIAL_FORMS": "0"}
    for number, (day, hours) in enumerate(rows):
        form |= {f"days-{number}-day": day, f"days-{number}-hours": hours, f"days-{number}-reason": "why"}
    return form | values


def text_of(client: Client, address: str, form: dict[str, Any]) -> str:
    return client.post(reverse(address), form, follow=True).content.decode()


def test_a_calendar_is_made_and_previewed_in_utc_and_local_time(data_admin_client: Client, dataset: Dataset) -> None:
    days = [("2031-01-01", ""), ("2031-01-02", "09:00-12:00")]
    assert "0 datasets follow the calendar mine now" in text_of(
        data_admin_client, CALENDAR_ADD, week(days, zone="europe/berlin")
    )
    one = TradingCalendar.objects.get()
    assert (one.zone, one.monday, one.days.count()) == ("Europe/Berlin", "09:00-17:30", 2)
    text = data_admin_client.get(reverse(CALENDAR_CHANGE, args=[one.pk])).content.decode()
    assert text.count("<td>09:00 to 17:30</td><td>regular</td>") == 14
    assert '<th scope="col">Europe/Berlin</th>' in text


def test_what_a_calendar_may_not_be(data_admin_client: Client) -> None:
    refused = {
        "There is no time zone &#x27;Berlin&#x27;": week(zone="Berlin"),
        "NYSE is the name of a built-in calendar": week(name="NYSE"),
        "Spans overlap: 09:00-12:00 and 11:00-13:00": week(monday="09:00-12:00 11:00-13:00"),
        "&#x27;09:00-25:00&#x27; is no span of hours": week(monday="09:00-25:00"),
        "The hours of Monday reach into those of Tuesday": week(monday="22:00-10:00"),
        "This calendar never opens": week(**dict.fromkeys(WEEKDAYS, "")),
        "There is no built-in calendar named XMARS": week(holidays_of="XMARS"),
        "gives no hours of &#x27;ASEX&#x27;": week(holidays_of="ASEX"),
        "2024-03-05 is listed twice": week([("2024-03-05", ""), ("2024-03-05", "10:00-11:00")]),
        "Spans overlap: 10:00-12:00 and 11:00-13:00": week([("2024-03-05", "10:00-12:00 11:00-13:00")]),
        "The hours of 2024-03-06 begin before those of the day before have ended": week(
            [("2024-03-05", "22:00-10:00")]
        ),
    }
    for reason, form in refused.items():
        assert reason in text_of(data_admin_client, CALENDAR_ADD, form)
    assert not TradingCalendar.objects.exists()


def test_a_day_of_a_built_in_calendar_is_changed_for_its_followers(data_admin_client: Client, dataset: Dataset) -> None:
    CalendarAssignment.objects.create(built_in="CME_FX", venue="XCME", note="why")
    form = {"built_in": "CME_FX", "day": "2024-03-06", "hours": "17:00-12:00", "reason": "outage"}
    assert "1 dataset follows the calendar CMEGlobex_FX now" in text_of(data_admin_client, DAY_ADD, form)
    one = CalendarDay.objects.get()
    assert (one.built_in, one.day, one.calendar) == ("CMEGlobex_FX", date(2024, 3, 6), None)
    text = data_admin_client.get(reverse("admin:quality_app_calendarday_change", args=[one.pk])).content.decode()
    assert "<td>Tue 23:00 to 18:00</td><td>Tue 17:00 to 12:00</td><td>changed</td>" in text


@pytest.mark.parametrize(
    ("form", "reason"),
    [
        ({"built_in": "learned"}, "There is no built-in calendar named learned"),
        ({"built_in": "NOPE"}, "There is no built-in calendar named NOPE"),
        ({"day": "2024-03-04"}, "That day of CMEGlobex_FX is changed already"),
        ({"hours": "12:00-11:00 10:00-12:00"}, "Spans overlap"),
        ({"hours": "16:00-18:00"}, "The hours of 2024-03-07 begin before"),
    ],
)
def test_what_a_changed_day_may_not_be(data_admin_client: Client, form: dict[str, str], reason: str) -> None:
    CalendarDay.objects.create(built_in="CMEGlobex_FX", day=date(2024, 3, 4), reason="closed")
    filled = {"built_in": "CMEGlobex_FX", "day": "2024-03-06", "hours": "", "reason": "closed", **form}
    assert reason in text_of(data_admin_client, DAY_ADD, filled)
    assert CalendarDay.objects.count() == 1


@pytest.mark.parametrize(
    ("form", "reason"),
    [
        ({}, "Say what it is for"),
        ({"venue": "XCME", "product": "6E", "asset_class": "FX"}, "Say what it is for"),
        ({"instrument_id": "6EH4.XCME", "venue": "XCME"}, "Say what it is for"),
        ({"product": "6E"}, "A product needs its venue"),
        ({"venue": "XCME", "built_in": ""}, "exactly one of the two"),
        ({"venue": "XCME", "built_in": "NOPE"}, "There is no built-in calendar named NOPE"),
        ({"venue": "XNYM", "product": "cl"}, "There is an assignment for that already"),
        ({"venue": "XCME", "note": ""}, "This field is required"),
    ],
)
def test_what_an_assignment_may_not_be(data_admin_client: Client, form: dict[str, str], reason: str) -> None:
    CalendarAssignment.objects.create(built_in="24/7", venue="XNYM", product="CL", note="why")
    filled = {"built_in": "24/7", "note": "why", **form}
    assert reason in text_of(data_admin_client, ASSIGNMENT_ADD, filled)
    assert CalendarAssignment.objects.count() == 1


def test_an_assignment_says_how_many_datasets_it_concerns(data_admin_client: Client, dataset: Dataset) -> None:
    form = {"venue": " xcme", "product": "6e", "built_in": "FX_WEEK", "note": "Broker's hours."}
    assert "1 dataset follows the calendar FX week now" in text_of(data_admin_client, ASSIGNMENT_ADD, form)
    assert (
        "venue XCME, product 6E"
        in data_admin_client.get(reverse("admin:quality_app_calendarassignment_changelist")).content.decode()
    )
    form = {"dataset": str(dataset.pk), "calendar": "", "built_in": "learned", "note": "Odd hours."}
    assert "1 dataset follows the calendar learned now" in text_of(data_admin_client, ASSIGNMENT_ADD, form)


def test_a_trader_looks_and_does_not_change(trader_client: Client) -> None:
    assert trader_client.post(reverse(CALENDAR_ADD), week()).status_code in {302, 403}
    assert not TradingCalendar.objects.exists()
