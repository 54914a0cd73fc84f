"""Filters and tags of the templates."""

from datetime import UTC, datetime, timedelta, timezone
from decimal import Decimal
from types import SimpleNamespace

import pytest
from django.template import Context, Template
from django.utils import timezone as django_timezone

from catalog_app.templatetags import desk

NS = 1_706_735_100_000_000_001  # 2024-01-31 21:05:00.000000001


def test_times_are_utc_and_say_so():
    eastern = datetime(2024, 1, 31, 16, 5, tzinfo=timezone(timedelta(hours=-5)))
    assert desk.utc(NS) == desk.utc(eastern) == "2024-01-31 21:05:00 UTC"
    assert desk.utc_minute(NS) == "2024-01-31 21:05 UTC"
    assert desk.utc_day(NS) == "2024-01-31"
    assert desk.utc_ns(NS) == "2024-01-31 21:05:00.000000001"
    assert desk.iso(eastern) == "2024-01-31T21:05:00Z"


def test_times_before_1970_and_far_ahead_are_exact():
    assert desk.utc_ns(-1) == "1969-12-31 23:59:59.999999999"
    assert desk.utc_ns(2**63 - 1) == "2262-04-11 23:47:16.854775807"


@pytest.mark.parametrize(
    "show", [desk.utc, desk.utc_minute, desk.utc_day, desk.utc_ns, desk.count, desk.size, desk.percent]
)
def test_unknown_is_a_dash(show):
    assert show(None) == "–"


def test_how_long_ago():
    assert desk.ago(django_timezone.now() - timedelta(minutes=3, seconds=1)) == "3 min ago"
    assert desk.ago(None) == "never"


@pytest.mark.parametrize(
    ("seconds", "text"),
    [
        (0, "0 s"),
        (0.42, "0.4 s"),
        (59.6, "1 min"),
        (725, "12 min 5 s"),
        (3600, "1 h"),
        (356_400, "4 d 3 h"),
        (86_405, "1 d"),
    ],
)
def test_durations_in_two_units(seconds, text):
    assert desk.duration(seconds) == text
    assert desk.duration(timedelta(seconds=seconds)) == text


def test_counts_and_sizes():
    assert desk.count(1_234_567) == "1\u202f234\u202f567"
    assert [desk.size(n) for n in (0, 1023, 1024, 1_500_000, 3 * 1024**4)] == [
        "0 B", "1023 B", "1.0 KiB", "1.4 MiB", "3.0 TiB",
    ]  # fmt: skip


@pytest.mark.parametrize(
    ("value", "name", "text"),
    [
        ("1", "excellent", "100 %"),
        ("0.95", "excellent", "95.0 %"),
        ("0.9499", "good", "94.9 %"),
        ("0.85", "good", "85.0 %"),
        ("0.7", "fair", "70.0 %"),
        ("0.6999", "poor", "69.9 %"),
        ("0", "poor", "0.0 %"),
    ],
)
def test_a_score_is_never_rounded_into_a_better_band(value, name, text):
    assert desk.band(Decimal(value)) == name
    assert desk.percent(Decimal(value)) == text


def test_an_unknown_score_stays_unknown():
    html = Template("{% score value %}").render(Context({"value": None}))
    assert "Not measured" in html
    assert "0" not in html.replace("score-none", "")


def test_a_score_is_drawn_to_its_share():
    html = Template("{% score value %}").render(Context({"value": Decimal("0.5")}))
    assert 'width="22.0"' in html
    assert "score-poor" in html


def test_a_badge_escapes_its_text():
    html = Template("{% badge state text %}").render(Context({"state": "failed", "text": "<b>"}))
    assert html == '<span class="badge badge-poor">&lt;b&gt;</span>'


def test_a_panel_wraps_its_content_and_escapes_its_title():
    html = Template("{% panel title %}<p>{{ text }}</p>{% endpanel %}").render(
        Context({"title": "A & B", "text": "<i>"})
    )
    assert "<h2>A &amp; B</h2>" in html
    assert "<p>&lt;i&gt;</p>" in html


def test_a_file_name_disagrees_only_when_both_ranges_are_known():
    file = SimpleNamespace(name_start_ns=1, name_end_ns=9, start_ns=1, end_ns=9)
    assert not desk.name_disagrees(file)
    assert not desk.name_disagrees(SimpleNamespace(**{**vars(file), "start_ns": None}))
    assert desk.name_disagrees(SimpleNamespace(**{**vars(file), "end_ns": 8}))


def test_the_link_of_a_filter_keeps_the_others_and_starts_at_page_one(rf):
    context = Context({"request": rf.get("/catalog/?q=eur&page=4&venue=SIM")})
    assert desk.querystring_for(context, "venue", "XNAS") == "?q=eur&venue=XNAS"
    assert desk.querystring_for(context, "venue", "") == "?q=eur"


def test_a_moment_without_zone_is_taken_as_utc():
    assert desk.utc(datetime(2024, 1, 1)) == desk.utc(datetime(2024, 1, 1, tzinfo=UTC))
