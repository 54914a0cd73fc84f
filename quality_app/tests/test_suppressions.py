"""Suppressed findings: they do not count until they are lifted or run out, and stay in history."""

import uuid
from datetime import UTC, datetime, timedelta
from decimal import Decimal

import pytest
from django.contrib.auth.models import User
from django.test import Client
from django.urls import reverse
from django.utils import timezone

from catalog_app.models import Dataset
from catalog_app.services.errors import Conflict
from quality_app.models import CheckResult, Suppression, ValidationRun
from quality_app.services.rules.suppressing import SuppressionRefused, end_expired, lift, suppress
from quality_app.services.rules.suppressions import active, history
from quality_app.services.scores import refresh_scores
from quality_app.tests.test_rules import add, store

__all__ = ["store"]

CHECK = "quote.crossed"
HTMX = {"HX-Request": "true"}


@pytest.fixture
def dataset(store) -> Dataset:
    """Quotes whose latest run found one crossed quote in 2,000, and nothing else."""
    dataset = add(store, "GBP/USD.SIM", "quote")
    now = timezone.now()
    run = ValidationRun.objects.create(dataset=dataset, started_at=now, finished_at=now, rows=2000)
    for check_id, dimension, violations in ((CHECK, "accuracy", 1), ("row.duplicate", "consistency", 0)):
        CheckResult.objects.create(
            run=run, check_id=check_id, version=1, dimension=dimension, severity="major", rows=2000,
            violations=violations, message="",
        )  # fmt: skip
    refresh_scores(dataset)
    return dataset


def accuracy(dataset: Dataset) -> Decimal | None:
    return Dataset.objects.get(pk=dataset.pk).accuracy


def test_the_score_follows_at_once_and_again_when_lifted(dataset: Dataset, trader: User) -> None:
    assert accuracy(dataset) == Decimal("0.5")
    one = suppress(dataset, CHECK, " An auction. ", trader, None)
    assert accuracy(dataset) != Decimal("0.5")
    assert active(dataset, timezone.now()) == {CHECK: one}
    lift(one, trader)
    assert accuracy(dataset) == Decimal("0.5")
    assert active(dataset, timezone.now()) == {}
    assert (one.reason, one.state, one.ended_by) == ("An auction.", "lifted", trader)
    with pytest.raises(Conflict, match="ended already"):
        lift(one, trader)


def test_what_runs_out_counts_again_and_stays_in_history(dataset: Dataset, trader: User) -> None:
    end = timezone.now() + timedelta(days=1)
    one = suppress(dataset, CHECK, "Known.", trader, end)
    assert active(dataset, end - timedelta(seconds=1)) == {CHECK: one}
    assert active(dataset, end) == {}
    assert end_expired(end - timedelta(seconds=1)) == 0
    # As if a day had passed: scores ask for the time themselves.
    Suppression.objects.update(expires_at=timezone.now() - timedelta(hours=1))
    assert end_expired(timezone.now()) == 1
    assert end_expired(timezone.now()) == 0
    assert accuracy(dataset) == Decimal("0.5")
    one.refresh_from_db()
    assert (one.state, one.ended_at, one.ended_by) == ("expired", one.expires_at, None)
    again = suppress(dataset, CHECK, "Still known.", trader, None)
    assert list(history(dataset, CHECK)) == [again, one]


def test_a_new_one_may_follow_before_the_tick_closed_the_old_one(dataset: Dataset, trader: User) -> None:
    old = suppress(dataset, CHECK, "Known.", trader, timezone.now() + timedelta(days=1))
    Suppression.objects.update(expires_at=timezone.now() - timedelta(seconds=1))
    new = suppress(dataset, CHECK, "Again.", trader, None)
    old.refresh_from_db()
    assert (old.state, new.state) == ("expired", "active")


def test_what_cannot_be_suppressed_is_refused(dataset: Dataset, trader: User) -> None:
    with pytest.raises(SuppressionRefused, match="no check"):
        suppress(dataset, "no.such", "x", trader, None)
    with pytest.raises(SuppressionRefused, match="Say why"):
        suppress(dataset, CHECK, "  ", trader, None)
    with pytest.raises(SuppressionRefused, match="has passed"):
        suppress(dataset, CHECK, "x", trader, timezone.now())
    suppress(dataset, CHECK, "first", trader, None)
    with pytest.raises(Conflict, match="first"):
        suppress(dataset, CHECK, "second", trader, None)
    assert Suppression.objects.count() == 1


def test_the_page_suppresses_with_reason_and_last_day(trader_client: Client, dataset: Dataset) -> None:
    address = reverse("quality:suppress", args=[dataset.pk, CHECK])
    page = trader_client.get(address).content.decode()
    assert f'value="{timezone.now().date() + timedelta(days=30)}"' in page
    response = trader_client.post(address, {"reason": "An auction.", "until": "2999-01-31"})
    assert response["Location"] == reverse("quality:checks", args=[dataset.pk])
    one = Suppression.objects.get()
    assert one.created_by is not None
    assert (one.created_by.username, one.expires_at) == ("trader", datetime(2999, 2, 1, tzinfo=UTC))
    assert b"An auction." in trader_client.get(address, headers=HTMX).content
    response = trader_client.post(reverse("quality:lift", args=[one.pk]), headers=HTMX)
    assert response["HX-Refresh"] == "true"
    one.refresh_from_db()
    assert one.state == "lifted"


@pytest.mark.parametrize(
    ("data", "said"),
    [
        ({"reason": ""}, b"Say why"),
        ({"reason": "x", "until": "2001-01-01"}, b"This day is over"),
        ({"reason": "x", "until": "9999-12-31"}, b"leave it empty"),
    ],
)
def test_the_page_says_what_is_missing(trader_client: Client, dataset: Dataset, data: dict, said: bytes) -> None:
    response = trader_client.post(reverse("quality:suppress", args=[dataset.pk, CHECK]), data, headers=HTMX)
    assert response.status_code == 422
    assert said in response.content
    assert b"<html" not in response.content
    assert not Suppression.objects.exists()


def test_suppressing_and_lifting_need_permissions_and_what_they_are_about(
    nobody_client: Client, trader_client: Client, analyst: User, dataset: Dataset
) -> None:
    address = reverse("quality:suppress", args=[dataset.pk, CHECK])
    assert nobody_client.get(address).status_code == 403
    assert nobody_client.post(address, {"reason": "x"}).status_code == 403
    assert trader_client.get(reverse("quality:suppress", args=[uuid.uuid4(), CHECK])).status_code == 404
    assert trader_client.get(reverse("quality:suppress", args=[dataset.pk, "no.such"])).status_code == 404
    others = reverse("quality:lift", args=[suppress(dataset, CHECK, "mine", analyst, None).pk])
    assert nobody_client.post(others).status_code == 403
    assert trader_client.post(others).status_code == 403
    assert trader_client.get(others).status_code == 405
    assert Suppression.objects.get().state == "active"


def test_who_may_only_look_cannot_suppress(make_user, dataset: Dataset) -> None:
    from django.contrib.auth.models import Permission

    user = make_user("onlooker")
    user.user_permissions.add(Permission.objects.get(codename="view_suppression"))
    client = Client()
    client.force_login(user)
    address = reverse("quality:suppress", args=[dataset.pk, CHECK])
    assert b"<form" not in client.get(address, headers=HTMX).content
    assert client.post(address, {"reason": "x"}).status_code == 403
    assert not Suppression.objects.exists()


def test_the_admin_suppresses_and_lifts_and_never_deletes(data_admin_client: Client, dataset: Dataset) -> None:
    data = {"dataset": str(dataset.pk), "check_id": CHECK, "reason": "An auction.", "until": ""}
    add_url = reverse("admin:quality_app_suppression_add")
    assert data_admin_client.post(add_url, data).status_code == 302
    one = Suppression.objects.get()
    assert (one.expires_at, accuracy(dataset)) == (None, None)
    assert b"suppressed already" in data_admin_client.post(add_url, data, follow=True).content
    change = reverse("admin:quality_app_suppression_change", args=[one.pk])
    assert data_admin_client.get(change).status_code == 200
    assert data_admin_client.post(reverse("admin:quality_app_suppression_delete", args=[one.pk])).status_code == 403
    data_admin_client.post(
        reverse("admin:quality_app_suppression_changelist"),
        {"action": "lift_chosen", "_selected_action": str(one.pk)},
    )
    one.refresh_from_db()
    assert (one.state, accuracy(dataset)) == ("lifted", Decimal("0.5"))
    for state in ("active", "expired", "lifted"):
        page = data_admin_client.get(reverse("admin:quality_app_suppression_changelist"), {"state": state})
        assert (b"An auction." in page.content) == (state == "lifted")
