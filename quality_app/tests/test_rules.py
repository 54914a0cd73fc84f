"""Rules of checks: which holds where, who changed what, and what a change affects."""

from typing import Any

import pytest
from django.contrib.auth.models import User
from django.db import IntegrityError, transaction
from pytest_django import DjangoAssertNumQueries

from catalog_app.models import Dataset, Instrument, Job, Store
from quality_app.models import QualityRule, QualityRuleChange
from quality_app.services.rules.history import differences
from quality_app.services.rules.resolution import (
    RuleRefused,
    affected_by,
    delete_rule,
    problems_of,
    resolve,
    resolve_many,
    save_rule,
    validate_affected,
)

CHECK = "time.future"


@pytest.fixture
def store(db: None) -> Store:
    return Store.objects.create(name="one", root="/nowhere")


@pytest.fixture
def dataset(store: Store) -> Dataset:
    fx = Instrument.objects.create(
        store=store, instrument_id="GBP/USD.SIM", symbol="GBP/USD", venue="SIM", asset_class="FX"
    )
    return add(store, "GBP/USD.SIM", "quote", definition=fx)


def add(store: Store, instrument_id: str, data_type: str, **values: Any) -> Dataset:
    venue = instrument_id.rpartition(".")[2]
    path = f"data/{data_type}/{instrument_id}"
    return Dataset.objects.create(
        store=store, instrument_id=instrument_id, venue=venue, data_type=data_type, path=path, **values
    )


def rule(check_id: str = CHECK, note: str = "why", **values: Any) -> QualityRule:
    made = QualityRule(check_id=check_id, note=note, **values)
    save_rule(made, None)
    return made


def test_the_narrowest_rule_wins_for_each_parameter(dataset: Dataset) -> None:
    scopes: list[dict[str, Any]] = [
        {"venue": "SIM"},
        {"asset_class": "FX"},
        {"instrument_id": "GBP/USD.SIM"},
        {"dataset": dataset},
    ]
    assert resolve(dataset).values == {}
    for number, scope in enumerate(scopes):
        rule(params={"toleranceMs": number}, **scope)
        assert resolve(dataset).values == {CHECK: {"toleranceMs": number}}
    rule("time.event_after_init", params={"toleranceMs": 7}, venue="SIM")
    assert resolve(dataset).values["time.event_after_init"] == {"toleranceMs": 7}


def test_rules_of_others_do_not_apply(store: Store, dataset: Dataset) -> None:
    other = add(store, "EUR/USD.XNAS", "quote")
    rule(params={"toleranceMs": 1}, venue="XNAS")
    rule(params={"toleranceMs": 2}, instrument_id="EURUSD.XNAS")
    rule(params={"toleranceMs": 3}, asset_class="EQUITY")
    assert resolve(dataset).values == {}
    assert resolve(other).values == {CHECK: {"toleranceMs": 2}}


def test_a_check_is_off_with_its_reason_until_a_narrower_rule_switches_it_on(dataset: Dataset) -> None:
    rule(mode="off", note="Simulated clocks.", venue="SIM")
    assert resolve(dataset).disabled == {CHECK: "Switched off by a rule for venue SIM: Simulated clocks."}
    rule(params={"toleranceMs": 5}, instrument_id="GBPUSD.SIM")
    assert CHECK in resolve(dataset).disabled
    rule(mode="on", dataset=dataset)
    assert resolve(dataset).disabled == {}
    assert [one.scope for one in resolve(dataset).rules[CHECK]] == ["venue", "instrument_id", "dataset"]


def test_many_datasets_cost_two_queries(
    store: Store, dataset: Dataset, django_assert_num_queries: DjangoAssertNumQueries
) -> None:
    Dataset.objects.bulk_create(
        Dataset(store=store, path=f"data/x/{n}", venue="SIM", instrument_id=f"A{n}.SIM", data_type="bar")
        for n in range(2000)
    )
    rule(params={"toleranceMs": 1}, venue="SIM")
    rule(params={"toleranceMs": 2}, asset_class="FX")
    rule(params={"toleranceMs": 3}, dataset=Dataset.objects.get(path="data/x/7"))
    datasets = list(Dataset.objects.all())
    with django_assert_num_queries(2):
        found = resolve_many(datasets)
    assert {key: one.values[CHECK]["toleranceMs"] for key, one in found.items()} == {
        one.pk: 2 if one.pk == dataset.pk else 3 if one.path == "data/x/7" else 1 for one in datasets
    }
    with django_assert_num_queries(2):
        assert resolve(dataset).values == found[dataset.pk].values


def test_what_a_check_no_longer_knows_has_no_effect_and_is_told(dataset: Dataset) -> None:
    old = rule(params={"toleranceMs": 1}, venue="SIM")
    QualityRule.objects.filter(pk=old.pk).update(params={"gone": 1, "toleranceMs": -5})
    QualityRule.objects.create(check_id="retired.check", venue="SIM", mode="off", note="x")
    assert resolve(dataset).values == {}
    assert resolve(dataset).disabled == {}
    assert problems_of(QualityRule.objects.get(pk=old.pk)) == [
        "Tolerance must be at least 0.",
        "time.future has no parameter gone.",
    ]


@pytest.mark.parametrize(
    ("values", "said"),
    [
        ({"venue": "SIM"}, "changes nothing"),
        ({"venue": "SIM", "mode": "off", "note": ""}, "cannot be blank"),
        ({"mode": "off"}, "exactly one"),
        ({"mode": "off", "venue": "SIM", "asset_class": "FX"}, "exactly one"),
        ({"venue": "SIM", "params": {"toleranceMs": "x"}}, "must be a whole number"),
        ({"venue": "SIM", "params": {"toleranceMs": -1}}, "must be at least 0"),
        ({"venue": "SIM", "params": {"other": 1}}, "has no parameter other"),
        ({"venue": "SIM", "mode": "off", "check_id": "no.such"}, "no check 'no.such'"),
        ({"instrument_id": "..", "mode": "off"}, "cannot name a directory"),
    ],
)
def test_what_cannot_be_a_rule_is_refused(db: None, values: dict[str, Any], said: str) -> None:
    with pytest.raises(RuleRefused, match=said):
        rule(**values)
    assert not QualityRule.objects.exists()
    assert not QualityRuleChange.objects.exists()


def test_a_scope_has_one_rule_of_a_check(dataset: Dataset) -> None:
    rule(mode="off", instrument_id="GBP/USD.SIM")
    with pytest.raises(RuleRefused, match="already"):
        rule(mode="on", instrument_id="GBPUSD.SIM")
    with pytest.raises(IntegrityError), transaction.atomic():
        QualityRule.objects.create(check_id=CHECK, instrument_id="GBPUSD.SIM", mode="on", note="x")
    with pytest.raises(IntegrityError), transaction.atomic():
        QualityRule.objects.create(check_id=CHECK, mode="on", note="x")
    rule("time.order", mode="off", instrument_id="GBPUSD.SIM")


def test_each_change_is_noted_with_before_and_after(dataset: Dataset, data_admin: User) -> None:
    one = QualityRule(check_id=CHECK, venue="SIM", params={"toleranceMs": "500"}, note="first")
    save_rule(one, data_admin)
    assert save_rule(one, data_admin) is None  # nothing changed
    one.params, one.mode, one.note = {}, "off", "second"
    save_rule(one, data_admin)
    delete_rule(one, data_admin)
    assert delete_rule(one, data_admin) is None
    changes = list(QualityRuleChange.objects.order_by("changed_at"))
    assert [(change.action, change.username, change.scope["label"]) for change in changes] == [
        (action, data_admin.username, "venue SIM") for action in ("created", "changed", "deleted")
    ]
    assert changes[0].after == {"mode": "", "params": {"toleranceMs": 500}, "note": "first"}
    assert [(line.what, line.before, line.after) for line in differences(changes[1])] == [
        ("Tolerance", "500 ms", "not set"),
        ("Why", "first", "second"),
        ("Runs", "not set", "no"),
    ]
    assert (changes[2].before["mode"], changes[2].after) == ("off", {})


def test_a_change_that_fails_leaves_no_note(dataset: Dataset) -> None:
    one = rule(mode="off", venue="SIM")
    one.venue = "XNAS"
    with pytest.raises(RuleRefused, match="keeps its check"):
        save_rule(one, None)
    assert QualityRuleChange.objects.count() == 1
    assert QualityRule.objects.get().venue == "SIM"


def test_a_change_affects_the_datasets_of_its_scope_and_data_types(store: Store, dataset: Dataset) -> None:
    bars = add(store, "GBPUSD.SIM", "bar")
    add(store, "EUR/USD.SIM", "quote")
    add(store, "GBP/USD.SIM", "trade", state="unsupported")
    both = QualityRuleChange.objects.get(rule_id=rule(mode="off", instrument_id="GBP/USD.SIM").pk)
    assert set(affected_by(both)) == {dataset, bars}
    quotes = QualityRuleChange.objects.get(rule_id=rule("quote.crossed", mode="off", instrument_id="GBPUSD.SIM").pk)
    assert set(affected_by(quotes)) == {dataset}
    by_class = QualityRuleChange.objects.get(rule_id=rule(mode="off", asset_class="FX").pk)
    assert set(affected_by(by_class)) == {dataset}


def test_validation_of_what_is_affected_is_one_job(dataset: Dataset, data_admin: User) -> None:
    change = QualityRuleChange.objects.get(rule_id=rule(mode="off", venue="SIM").pk)
    job = validate_affected(change, data_admin)
    assert (job.kind, job.parameters, job.user) == ("validate", {"datasetIds": [str(dataset.pk)]}, data_admin)
    assert validate_affected(change, data_admin) == job
    Job.objects.update(state="running")  # it may have passed the dataset already
    assert validate_affected(change, data_admin) != job
    nowhere = QualityRuleChange.objects.get(rule_id=rule(mode="off", venue="XNAS").pk)
    with pytest.raises(RuleRefused, match="nothing to validate"):
        validate_affected(nowhere, data_admin)
