"""The pages of gaps: who may do what, filters in the address, files, actions, cost."""

from __future__ import annotations

import json
import uuid

import pytest
from django.contrib.auth.models import Permission, User
from django.test import Client
from django.urls import reverse
from django.utils import timezone
from pytest_django import DjangoAssertNumQueries

from catalog_app.models import Dataset, Job
from quality_app.models import Gap
from quality_app.tests.gaps.gap_rows import make_dataset, make_gap, make_month

pytestmark = pytest.mark.django_db

LIST = "/quality/gaps/"
PAGES = ("gap-list", "gap-heatmap", "gap-timeline", "gap-lengths", "gap-completeness")
ACTIONS = ("expect-gaps", "fill-gaps", "rescan-gaps")
HTMX = {"HX-Request": "true"}


@pytest.fixture
def gap() -> Gap:
    dataset = make_dataset()
    make_month(dataset, "2024-01", {8: (1440, 90, 0), 9: (1440, 0, 0)})
    return make_gap(dataset, "2024-01-08 10:00", 90, severity="high")


def body(answer: object) -> bytes:
    return b"".join(answer.streaming_content)  # type: ignore[attr-defined]


@pytest.mark.parametrize("name", PAGES)
def test_pages_need_the_permission_and_show_gaps(
    gap: Gap, trader_client: Client, nobody_client: Client, client: Client, name: str
) -> None:
    address = reverse(f"quality:{name}")
    page = trader_client.get(address)
    assert (page.status_code, page.context["page_name"]) == (200, name)
    assert "style=" not in page.content.decode()
    assert nobody_client.get(address).status_code == 403
    assert client.get(address).status_code == 302
    assert trader_client.post(address).status_code == 405
    part = trader_client.get(address, {"venue": "BINANCE", "state": "open", "q": ""}, headers=HTMX)
    assert part["HX-Push-Url"] == f"{address}?venue=BINANCE"
    assert b"<html" not in part.content


@pytest.mark.parametrize("name", PAGES)
def test_pages_say_what_to_do_when_there_is_nothing(trader_client: Client, name: str) -> None:
    for query in ({}, {"venue": "NOWHERE"}, {"dataset": str(uuid.uuid4()), "day": "2024-01-08", "until": "1999"}):
        page = trader_client.get(reverse(f"quality:{name}"), query)
        assert page.status_code == 200
        assert b'class="empty' in page.content


def test_actions_need_their_own_permissions(
    gap: Gap, trader_client: Client, nobody: User, nobody_client: Client, client: Client
) -> None:
    nobody.user_permissions.add(Permission.objects.get(codename="view_gap"))
    chosen = {"gap": str(gap.pk), "reason": "why"}
    for name in ACTIONS:
        address = reverse(f"quality:{name}")
        assert nobody_client.post(address, chosen).status_code == 403
        assert client.post(address, chosen).status_code == 302
        assert trader_client.get(address).status_code == 405
    text = nobody_client.get(LIST).content.decode()
    assert "gap-bar" not in text
    assert "2024-01-08 10:00:00" in text
    assert not Job.objects.exists()
    gap.refresh_from_db()
    assert gap.expected_at is None


def test_a_gap_is_marked_leaves_the_open_list_and_comes_back(gap: Gap, trader_client: Client) -> None:
    address, back = reverse("quality:expect-gaps"), f"{LIST}?venue=BINANCE"
    refused = trader_client.post(address, {"gap": str(gap.pk), "reason": " ", "next": back}, follow=True)
    assert refused.redirect_chain == [(back, 302)]
    assert b"Say why nothing is missing there" in refused.content
    marked = trader_client.post(address, {"gap": str(gap.pk), "reason": "Listed later", "next": back}, follow=True)
    assert b"1 gap marked as expected" in marked.content
    assert list(marked.context["page"].object_list) == []
    expected = trader_client.get(LIST, {"state": "expected"})
    assert "Listed later" in expected.content.decode()
    elsewhere = trader_client.post(address, {"gap": str(gap.pk), "undo": "1", "next": "https://example.com/"})
    assert elsewhere["Location"] == LIST
    assert list(trader_client.get(LIST).context["page"].object_list) == [gap]
    assert trader_client.post(address, {"gap": "x", "reason": "why"}).status_code == 404


def test_filling_leads_to_its_page_with_the_gaps(gap: Gap, data_admin_client: Client) -> None:
    address = reverse("quality:fill-gaps")
    assert data_admin_client.post(address, {"gap": str(gap.pk)})["Location"].endswith(f"?gap={gap.pk}")
    none = data_admin_client.post(address, {}, follow=True)
    assert b"Choose from one to 100 gaps" in none.content


def test_rescanning_is_one_job_for_all_datasets(gap: Gap, trader_client: Client) -> None:
    other = make_gap(make_dataset("ETHUSDT.BINANCE"), "2024-01-08 10:00")
    address = reverse("quality:rescan-gaps")
    answer = trader_client.post(address, {"gap": [str(gap.pk), str(other.pk)]})
    job = Job.objects.get()
    assert (job.kind, set(job.parameters["datasetIds"])) == (
        "scan_gaps",
        {str(gap.dataset_id), str(other.dataset_id)},
    )
    assert answer["Location"] == reverse("jobs:detail", args=[job.pk])
    trader_client.post(address, {"gap": str(gap.pk)})
    assert Job.objects.count() == 2
    assert b"Choose at least one gap" in trader_client.post(address, {}, follow=True).content


def test_the_list_is_handed_out_as_a_file(gap: Gap, trader_client: Client, nobody_client: Client) -> None:
    make_gap(gap.dataset, "2024-01-10 10:00", 3, filled_at=timezone.now())
    answer = trader_client.get(reverse("quality:gap-file", args=["json"]), {"venue": "BINANCE"})
    assert answer["Content-Disposition"].startswith('attachment; filename="gaps-')
    assert json.loads(body(answer))["count"] == 1
    answer = trader_client.get(reverse("quality:gap-file", args=["csv"]), {"state": "all"})
    assert body(answer).count(b"\r\n") == 3
    assert trader_client.get(reverse("quality:gap-file", args=["xml"])).status_code == 404
    assert nobody_client.get(reverse("quality:gap-file", args=["csv"])).status_code == 403


def test_a_cell_of_the_calendar_leads_to_its_gaps(gap: Gap, trader_client: Client) -> None:
    text = trader_client.get(reverse("quality:gap-heatmap"), {"dataset": str(gap.dataset_id)}).content.decode()
    wanted = f"{LIST}?dataset={gap.dataset_id}&amp;day=2024-01-08&amp;state=all"
    assert text.count(wanted) == 2  # the cell, and the table behind it
    assert "2024-01-08: 93.7 % present" in text
    listed = trader_client.get(wanted.replace("&amp;", "&"))
    assert list(listed.context["page"].object_list) == [gap]


def test_a_mark_of_the_timeline_leads_to_its_gap(gap: Gap, trader_client: Client) -> None:
    alone = trader_client.get(reverse("quality:gap-timeline"), {"start": "2024-01-08", "end": "2024-01-09"})
    assert reverse("quality:gap", args=[gap.pk]) in alone.content.decode()
    make_gap(gap.dataset, "2024-01-08 10:02", 1)
    merged = trader_client.get(reverse("quality:gap-timeline")).content.decode()
    address = f"{LIST}?dataset={gap.dataset_id}&amp;cause=unexplained&amp;start=2024-01-08"
    assert merged.count(address) == 1
    link = merged.split(f'href="{LIST}?dataset=')[1].split('"')[0].replace("&amp;", "&")
    assert len(trader_client.get(f"{LIST}?dataset={link}").context["page"].object_list) == 2


@pytest.mark.parametrize("name", PAGES)
def test_pages_cost_the_same_however_many_gaps_there_are(
    trader_client: Client, django_assert_max_num_queries: DjangoAssertNumQueries, name: str
) -> None:
    for number in range(130):
        dataset = make_dataset(f"I{number}.BINANCE", open_gap_count=1)
        make_gap(dataset, f"2024-01-08 10:{number % 60:02}", number + 1)
        make_month(dataset, "2024-01", {8: (1440, number + 1, 0)})
    with django_assert_max_num_queries(16):
        page = trader_client.get(reverse(f"quality:{name}"), {"venue": "BINANCE", "day": "2024-01-08"})
    assert page.status_code == 200
    assert Dataset.objects.count() == 130
