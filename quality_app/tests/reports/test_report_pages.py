"""Pages of the reports: who may do what, and what they show."""

import uuid
from datetime import timedelta

import pytest
from django.test import Client
from django.urls import reverse
from django.utils import timezone

from catalog_app.models import Dataset, Job
from quality_app.models import QualityReport, Schedule
from quality_app.services.reports.document import Document
from quality_app.services.reports.files import FORMATS
from quality_app.tests.reports.conftest import DAY, MakeReport

pytestmark = pytest.mark.django_db
HTMX = {"HX-Request": "true"}
LIST = "/quality/reports/"


def test_reading_is_refused_before_anything_is_looked_up(nobody_client: Client, client: Client) -> None:
    for address in (LIST, f"{LIST}{uuid.uuid4()}/", f"{LIST}{uuid.uuid4()}/file.pdf"):
        assert nobody_client.get(address).status_code == 403
        assert client.get(address).status_code == 302


def test_changing_is_refused_by_permission_and_method(
    nobody_client: Client, trader_client: Client, make_report: MakeReport
) -> None:
    kept = make_report()
    for name in ("report-send", "report-delete"):
        address = reverse(f"quality:{name}", args=[kept.pk])
        assert nobody_client.post(address).status_code == 403
        assert trader_client.get(address).status_code == 405
    assert trader_client.post(reverse("quality:report-delete", args=[kept.pk])).status_code == 403
    assert nobody_client.post(LIST, {"scope": "catalog", "period": "daily"}).status_code == 403
    assert QualityReport.objects.count() == 1
    assert Job.objects.count() == 1


def test_who_may_read_may_not_ask_without_the_permission(trader_client: Client, past: Dataset) -> None:
    from django.contrib.auth.models import Group, Permission

    Group.objects.get(name="Trader").permissions.remove(Permission.objects.get(codename="add_qualityreport"))
    assert trader_client.post(LIST, {"scope": "catalog", "period": "daily"}).status_code == 403
    assert b"Make report" not in trader_client.get(LIST).content


def test_what_is_not_there_is_not_found(trader_client: Client, make_report: MakeReport) -> None:
    kept = make_report()
    assert trader_client.get(f"{LIST}{uuid.uuid4()}/").status_code == 404
    assert trader_client.get(f"{LIST}{kept.pk}/file.exe").status_code == 404


def test_asking_makes_a_job_and_leads_to_it(trader_client: Client, past: Dataset) -> None:
    response = trader_client.post(LIST, {"scope": "instrument", "key": past.instrument_id, "period": "weekly"})
    job = Job.objects.get()
    assert response["Location"] == reverse("jobs:detail", args=[job.pk])
    assert (job.kind, job.user.username) == ("report", "trader")
    assert job.parameters["reports"][0]["key"] == past.instrument_id


def test_the_job_that_wrote_a_report_leads_to_it(trader_client: Client, make_report: MakeReport) -> None:
    kept = make_report()
    text = trader_client.get(reverse("jobs:detail", args=[kept.job_id])).content.decode()
    assert f'href="{reverse("quality:report", args=[kept.pk])}">Open report<' in text


@pytest.mark.parametrize(
    ("fields", "text"),
    [
        ({"scope": "venue", "key": "NONE", "period": "daily"}, "No dataset has the venue NONE"),
        ({"scope": "store", "period": "daily"}, "There is no such store"),
        ({"scope": "catalog", "period": "custom"}, "Say when the period begins"),
        ({"scope": "catalog", "period": "custom", "start": "2026-03-02 00:00", "end": "2026-03-01"}, "must end"),
        ({"scope": "catalog", "period": "custom", "start": "2020-01-01T00:00"}, "at most 366 days"),
        ({"scope": "catalog", "period": "custom", "start": "2026-03-02 00:00", "end": "2999-01-01T00:00"}, "be over"),
        ({"scope": "planet", "period": "daily"}, "Select a valid choice"),
    ],
)
def test_what_cannot_be_reported_is_refused_beside_its_field(
    trader_client: Client, past: Dataset, fields: dict[str, str], text: str
) -> None:
    response = trader_client.post(LIST, fields)
    assert response.status_code == 422
    assert text in response.content.decode()
    assert not Job.objects.exists()


def test_the_report_shows_every_figure_and_links_to_its_datasets(
    trader_client: Client, make_report: MakeReport, past: Dataset
) -> None:
    kept = make_report()
    text = trader_client.get(reverse("quality:report", args=[kept.pk])).content.decode()
    for section in Document.from_json(kept.content).sections:
        assert f'id="{section.ident}"' in text
        assert all(figure.label in text for figure in section.figures)
    assert "−8.00 points" in text
    assert reverse("catalog:dataset", args=[past.pk]) in text
    assert reverse("quality:gaps", args=[past.pk]) in text
    assert "style=" not in text
    assert "Send by e-mail" not in text


def test_a_report_of_another_version_says_so(trader_client: Client, make_report: MakeReport) -> None:
    kept = make_report()
    QualityReport.objects.update(content={**kept.content, "version": 99})
    response = trader_client.get(reverse("quality:report", args=[kept.pk]))
    assert response.status_code == 200
    assert b"This report has version 99" in response.content
    assert trader_client.get(f"{LIST}{kept.pk}/file.pdf").status_code == 409


@pytest.mark.parametrize("name", list(FORMATS))
def test_files_are_handed_out_to_be_kept_and_not_to_be_run(
    trader_client: Client, make_report: MakeReport, name: str
) -> None:
    response = trader_client.get(f"{LIST}{make_report().pk}/file.{name}")
    assert response.status_code == 200
    assert response["Content-Disposition"].startswith("attachment; filename=")
    assert response["Content-Security-Policy"].startswith("sandbox;")
    assert response["X-Content-Type-Options"] == "nosniff"


def test_the_list_filters_and_answers_in_part(trader_client: Client, make_report: MakeReport) -> None:
    make_report()
    make_report("venue", "SIM", "weekly")
    assert "Venue SIM" in trader_client.get(LIST).content.decode()
    for query in ({"scope": "catalog"}, {"period": "daily"}, {"q": "whole"}):
        part = trader_client.get(LIST, query, headers=HTMX)
        text = part.content.decode()
        assert "Whole catalog" in text and "Venue SIM" not in text and "<html" not in text
        assert "HX-Request" in part["Vary"]
    assert "No report fits" in trader_client.get(LIST, {"key": "XNAS"}).content.decode()


def test_the_list_does_not_read_the_reports_contents(
    trader_client: Client, make_report: MakeReport, django_assert_max_num_queries
) -> None:
    for _ in range(4):
        make_report()
    with django_assert_max_num_queries(14) as asked:
        trader_client.get(LIST)
    assert not any('"content"' in query["sql"] for query in asked.captured_queries)


def test_a_data_admin_deletes_a_report(data_admin_client: Client, make_report: MakeReport) -> None:
    kept = make_report()
    response = data_admin_client.post(reverse("quality:report-delete", args=[kept.pk]))
    assert response["Location"] == LIST
    assert not QualityReport.objects.exists()


def test_the_schedules_are_shown_with_their_notes(trader_client: Client, data_admin_client: Client) -> None:
    schedule = Schedule.objects.create(
        name="Nightly", kind="report", every_minutes=1440, last_note="There was nothing to do.",
        next_run_at=timezone.now() + timedelta(hours=1), scope={"recipients": ["a@example.com"]},
    )  # fmt: skip
    admin = reverse("admin:quality_app_schedule_change", args=[schedule.pk])
    text = trader_client.get(LIST).content.decode()
    assert "Nightly" in text and "There was nothing to do." in text and "1 address" in text
    assert "EMAIL_URL" not in text  # the tests' mail goes to memory
    assert admin not in text
    assert admin in data_admin_client.get(LIST).content.decode()


def test_a_previous_report_that_is_gone_is_named_without_a_link(trader_client: Client, make_report: MakeReport) -> None:
    first = make_report()
    QualityReport.objects.filter(pk=first.pk).update(end=first.end - DAY / 24)
    second = make_report()
    address, previous = (reverse("quality:report", args=[kept.pk]) for kept in (second, first))
    assert previous in trader_client.get(address).content.decode()
    first.delete()
    assert previous not in trader_client.get(address).content.decode()
