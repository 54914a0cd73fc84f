"""Rules in the admin: typed fields, messages of the parameters, history, and the offered validation."""

import pytest
from django.contrib.auth.models import Permission
from django.test import Client
from django.urls import reverse

from catalog_app.models import Dataset, Job
from quality_app.models import QualityRule, QualityRuleChange
from quality_app.tests.test_rules import add, rule, store

__all__ = ["store"]

ADD = "admin:quality_app_qualityrule_add"
CHANGE = "admin:quality_app_qualityrule_change"


@pytest.fixture
def dataset(store) -> Dataset:
    return add(store, "GBP/USD.SIM", "quote")


def form(**values: str) -> dict[str, str]:
    """A filled-in form of a new rule."""
    empty = dict.fromkeys(("venue", "asset_class", "instrument_id", "dataset", "mode", "param_toleranceMs"), "")
    return {**empty, "check_id": "time.future", "note": "Clock of the vendor.", **values}


def test_choosing_the_check_shows_its_parameters_and_keeps_what_was_typed(
    data_admin_client: Client, dataset: Dataset
) -> None:
    address = reverse(ADD)
    assert b"param_toleranceMs" not in data_admin_client.get(address).content
    response = data_admin_client.post(address, form(venue="SIM", _show="1"), follow=True)
    text = response.content.decode()
    assert 'name="param_toleranceMs"' in text
    assert 'placeholder="60000"' in text
    assert "Tolerance, ms" in text
    assert "Default 60000 ms. At least 0." in text
    assert '<option value="SIM" selected>' in text
    assert "Clock of the vendor." in text
    assert not QualityRule.objects.exists()


def test_a_rule_is_made_changed_and_deleted_with_history(data_admin_client: Client, dataset: Dataset) -> None:
    response = data_admin_client.post(reverse(ADD), form(venue="SIM", param_toleranceMs="500"), follow=True)
    one = QualityRule.objects.get()
    created = QualityRuleChange.objects.get()
    assert (one.params, created.username) == ({"toleranceMs": 500}, "data-admin")
    offer = reverse("admin:quality_app_qualityrulechange_validate", args=[created.pk])
    assert "in 1 dataset." in response.content.decode()
    assert offer in response.content.decode()

    data = {"mode": "", "param_toleranceMs": "900", "note": "Measured again."}
    data_admin_client.post(reverse(CHANGE, args=[one.pk]), data)
    text = data_admin_client.get(reverse(CHANGE, args=[one.pk])).content.decode()
    assert "<td>500 ms</td><td>900 ms</td>" in text
    assert "It applies to 1 dataset " in text
    data_admin_client.post(reverse("admin:quality_app_qualityrule_delete", args=[one.pk]), {"post": "yes"})
    assert not QualityRule.objects.exists()
    deleted = QualityRuleChange.objects.first()
    assert deleted is not None
    assert (deleted.action, deleted.before["params"]) == ("deleted", {"toleranceMs": 900})
    listed = data_admin_client.get(reverse("admin:quality_app_qualityrulechange_changelist")).content.decode()
    assert "Tolerance: 500 ms → 900 ms" in listed


def test_deleting_many_at_once_is_noted_too(data_admin_client: Client, dataset: Dataset) -> None:
    keys = [str(rule(mode="off", venue="SIM").pk), str(rule("time.order", mode="off", venue="SIM").pk)]
    data = {"action": "delete_selected", "_selected_action": keys, "post": "yes"}
    data_admin_client.post(reverse("admin:quality_app_qualityrule_changelist"), data)
    assert QualityRuleChange.objects.filter(action="deleted", username="data-admin").count() == 2


@pytest.mark.parametrize(
    ("values", "said"),
    [
        ({"venue": "SIM", "param_toleranceMs": "a minute"}, "Tolerance must be a whole number."),
        ({"venue": "SIM", "param_toleranceMs": "-1"}, "Tolerance must be at least 0."),
        ({"venue": "SIM"}, "This rule changes nothing"),
        ({"mode": "off"}, "Fill in exactly one of"),
        ({"mode": "off", "venue": "SIM", "asset_class": "FX"}, "Fill in exactly one of"),
        ({"mode": "off", "venue": "SIM", "note": ""}, "This field is required."),
        ({"mode": "off", "instrument_id": ".."}, "cannot name a directory"),
        ({"mode": "off", "dataset": "NaN"}, "not one of the available choices"),
        ({"mode": "off", "venue": "SIM", "check_id": "no.such"}, "not one of the available choices"),
        ({"mode": "off", "instrument_id": "TAKEN/1.SIM"}, "already"),
    ],
)
def test_what_cannot_be_is_said_on_the_form(
    data_admin_client: Client, dataset: Dataset, values: dict[str, str], said: str
) -> None:
    rule(mode="off", instrument_id="TAKEN1.SIM")
    response = data_admin_client.post(reverse(ADD), form(**values))
    assert response.status_code == 200
    assert said in response.content.decode()
    assert QualityRule.objects.count() == 1


def test_a_rule_that_its_check_outgrew_says_so(data_admin_client: Client, dataset: Dataset) -> None:
    one = rule(mode="off", venue="SIM")
    QualityRule.objects.update(params={"gone": 3})
    text = data_admin_client.get(reverse(CHANGE, args=[one.pk])).content.decode()
    assert "time.future has no parameter gone." in text
    assert (
        "no parameter gone"
        in data_admin_client.get(reverse("admin:quality_app_qualityrule_changelist")).content.decode()
    )


def test_what_a_change_affects_is_validated_on_request(data_admin_client: Client, dataset: Dataset) -> None:
    change = QualityRuleChange.objects.get(rule_id=rule(mode="off", venue="SIM").pk)
    offer = reverse("admin:quality_app_qualityrulechange_validate", args=[change.pk])
    assert "Validate 1 dataset" in data_admin_client.get(offer).content.decode()
    assert not Job.objects.exists()
    response = data_admin_client.post(offer)
    job = Job.objects.get()
    assert response["Location"] == reverse("jobs:detail", args=[job.pk])
    assert job.parameters == {"datasetIds": [str(dataset.pk)]}


def test_only_who_may_sees_and_changes_rules(make_user, dataset: Dataset) -> None:
    one = rule(mode="off", venue="SIM")
    change = QualityRuleChange.objects.get()
    user = make_user("staff", is_staff=True)
    user.user_permissions.add(Permission.objects.get(codename="view_qualityrule"))
    client = Client()
    client.force_login(user)
    assert client.get(reverse(CHANGE, args=[one.pk])).status_code == 200
    assert client.post(reverse(CHANGE, args=[one.pk]), {"mode": "on", "note": "x"}).status_code == 403
    assert client.post(reverse(ADD), form(venue="SIM", mode="on", check_id="time.order")).status_code == 403
    assert (
        client.post(reverse("admin:quality_app_qualityrule_delete", args=[one.pk]), {"post": "yes"}).status_code == 403
    )
    offer = reverse("admin:quality_app_qualityrulechange_validate", args=[change.pk])
    assert client.post(offer).status_code == 403
    user.user_permissions.add(Permission.objects.get(codename="view_qualityrulechange"))
    assert client.post(offer).status_code == 403  # it takes the right to validate, too
    assert QualityRule.objects.get().mode == "off"
    assert not Job.objects.exists()
