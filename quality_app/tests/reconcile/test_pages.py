"""Pages of reconciliations: who may see, run and change them, and what they show."""

import uuid
from decimal import Decimal

import pytest
from django.test import Client
from django.urls import reverse

from catalog_app.models import Dataset, Job
from quality_app.models import Reconciliation
from quality_app.services.reconciliation.run import run
from quality_app.tests.frames import MINUTE_NS, raw
from quality_app.tests.reconcile.stores import CLOSES, PRICES, bars, reconcile

HTMX = {"HX-Request": "true"}
LIST = reverse("quality:reconciliations")
NEW = reverse("quality:reconciliation-new")


@pytest.fixture
def datasets(make_stores) -> list[Dataset]:
    wrong = PRICES.copy()
    wrong[100:200] += raw("0.00100")
    return make_stores(bars(), bars(), bars(wrong))


def form(datasets: list[Dataset], **changes: object) -> dict[str, object]:
    values = {
        "instrument": "GBP/USD.SIM",
        "name": "Three stores",
        "interval": str(MINUTE_NS),
        "tolerance": "0",
        "limit_ticks": "2",
        "limit_bp": "1",
        "vote_scale": "5",
        "vote_ticks": "5",
        "enabled": "on",
        "source": [str(dataset.pk) for dataset in datasets],
        **{f"price-{dataset.pk}": "close" for dataset in datasets},
    }
    return {**values, **changes}


def test_reading_needs_the_permission(nobody_client: Client, client: Client) -> None:
    addresses = (LIST, reverse("quality:reconciliation", args=[1]), series_of(uuid.uuid4()), NEW)
    for address in addresses:
        assert nobody_client.get(address).status_code == 403
        assert client.get(address).status_code == 302


def test_traders_run_and_only_admins_change(
    trader_client: Client, nobody_client: Client, datasets: list[Dataset]
) -> None:
    trial = reconcile(datasets)
    for name in ("edit", "delete"):
        assert trader_client.post(reverse(f"quality:reconciliation-{name}", args=[trial.pk])).status_code == 403
    assert trader_client.post(NEW, form(datasets)).status_code == 403
    start = reverse("quality:reconciliation-run", args=[trial.pk])
    assert trader_client.get(start).status_code == 405
    assert nobody_client.post(start).status_code == 403
    response = trader_client.post(start)
    job = Job.objects.get(kind="reconcile")
    assert response["Location"] == reverse("jobs:detail", args=[job.pk])
    assert trader_client.post(start, headers=HTMX)["HX-Redirect"] == response["Location"]
    assert (Job.objects.filter(kind="reconcile").count(), job.user.username) == (1, "trader")
    assert b"A run is queued" in trader_client.get(reverse("quality:reconciliation", args=[trial.pk])).content


def test_what_is_not_there_is_not_found(data_admin_client: Client) -> None:
    for name in ("reconciliation", "reconciliation-edit"):
        assert data_admin_client.get(reverse(f"quality:{name}", args=[99])).status_code == 404
    for name in ("run", "delete"):
        assert data_admin_client.post(reverse(f"quality:reconciliation-{name}", args=[99])).status_code == 404
    assert data_admin_client.get(series_of(uuid.uuid4())).status_code == 404


def test_the_empty_list_says_what_to_do(trader_client: Client, data_admin_client: Client, db: None) -> None:
    assert b"A data admin sets comparisons up" in trader_client.get(LIST).content
    assert NEW.encode() in data_admin_client.get(LIST).content


def test_an_admin_sets_one_up_from_what_is_proposed(data_admin_client: Client, datasets: list[Dataset]) -> None:
    assert "GBP/USD.SIM" in data_admin_client.get(NEW, {"q": "gbp"}).content.decode()
    assert b"Nothing found" in data_admin_client.get(NEW, {"q": "zzz"}, headers=HTMX).content
    text = data_admin_client.get(NEW, {"instrument": "GBP/USD.SIM"}).content.decode()
    assert text.count(" checked") >= 3
    response = data_admin_client.post(NEW, form(datasets, **{f"shift-{datasets[1].pk}": "-0.5", "on_change": "on"}))
    trial = Reconciliation.objects.get()
    assert response["Location"] == reverse("quality:reconciliation", args=[trial.pk])
    assert [source.dataset_id for source in trial.sources.all()] == [dataset.pk for dataset in datasets]
    assert [source.shift_ns for source in trial.sources.all()] == [0, -500_000_000, 0]
    assert (trial.interval_ns, trial.on_change, trial.counts_in_score) == (MINUTE_NS, True, False)
    assert trial.created_by.username == "data-admin"
    assert b"Not run yet" in data_admin_client.get(response["Location"]).content


@pytest.mark.parametrize(
    ("changes", "words"),
    [
        ({"source": []}, "Choose 2 to 6 sources; 0 are chosen"),
        ({"source": [str(uuid.uuid4())] * 2}, "no longer in the index"),
        ({"source": ["x"]}, "no dataset&#x27;s id"),
        ({"interval": "90"}, "Select a valid choice"),
        ({"interval": str(MINUTE_NS // 2)}, "cannot be joined to this length"),
        ({"tolerance": "31"}, "0 to 30 seconds"),
        ({"tolerance": "-1"}, "greater than or equal to 0"),
        ({"limit_ticks": "many"}, "Enter a number"),
        ({"name": "Trial 0"}, "There is a reconciliation named Trial 0"),
    ],
)
def test_what_cannot_be_compared_is_refused_with_words(
    data_admin_client: Client, datasets: list[Dataset], changes: dict[str, object], words: str
) -> None:
    reconcile(datasets)
    response = data_admin_client.post(NEW, form(datasets, **changes))
    assert response.status_code == 422
    assert words in response.content.decode()
    assert Reconciliation.objects.count() == 1


@pytest.mark.parametrize(("name", "value"), [("price", "bid"), ("shift", "soon"), ("shift", "9999999")])
def test_a_wrong_price_or_shift_is_refused(
    data_admin_client: Client, datasets: list[Dataset], name: str, value: str
) -> None:
    response = data_admin_client.post(NEW, form(datasets, **{f"{name}-{datasets[0].pk}": value}))
    assert response.status_code == 422
    assert not Reconciliation.objects.exists()


def test_changing_keeps_its_runs_and_deleting_takes_them(data_admin_client: Client, datasets: list[Dataset]) -> None:
    trial = reconcile(datasets)
    run(trial)
    address = reverse("quality:reconciliation-edit", args=[trial.pk])
    assert trial.name in data_admin_client.get(address).content.decode()
    changed = form(datasets[:2], name="Two stores", limit_ticks="7.5")
    assert data_admin_client.post(address, changed).status_code == 302
    trial.refresh_from_db()
    assert (trial.name, trial.limit_ticks, trial.sources.count(), trial.runs.count()) == (
        "Two stores",
        Decimal("7.5"),
        2,
        1,
    )
    page = data_admin_client.get(reverse("quality:reconciliation", args=[trial.pk])).content
    assert b"have changed since this run" in page
    data_admin_client.post(reverse("quality:reconciliation-delete", args=[trial.pk]))
    assert not Reconciliation.objects.exists()
    assert Dataset.objects.count() == 3


def test_a_run_is_shown_with_its_votes_and_largest_differences(
    trader_client: Client, datasets: list[Dataset], django_assert_max_num_queries
) -> None:
    trial = reconcile(datasets)
    found = run(trial)
    address = reverse("quality:reconciliation", args=[trial.pk])
    with django_assert_max_num_queries(25):
        text = trader_client.get(address, {"pair": "1"}).content.decode()
    assert "style=" not in text
    row = f"{reverse('catalog:dataset-rows', args=[datasets[2].pk])}?at={CLOSES[100]}"
    assert row in text
    assert series_of(found.pk, 1) in text
    assert "2024-01-02 01:41:00 UTC" in text  # the exclusion begins
    assert "Trusted" in text
    assert text.count("100 ticks") == 0
    assert "−100" in text or "-100" in text
    fragment = trader_client.get(address, headers=HTMX)
    assert b"<html" not in fragment.content
    assert "HX-Request" in fragment["Vary"]
    assert trader_client.get(address, {"run": str(found.pk), "pair": "99"}).status_code == 200
    assert trader_client.get(address, {"run": "x"}).status_code == 404
    assert b"Differences" in trader_client.get(LIST).content
    assert b"Nothing matches" in trader_client.get(LIST, {"q": "zzz"}).content


def test_sources_that_never_meet_are_said(trader_client: Client, make_stores) -> None:
    far = CLOSES + 10 * 86_400 * 10**9
    trial = reconcile(make_stores(bars(), bars(PRICES, far)))
    run(trial)
    text = trader_client.get(reverse("quality:reconciliation", args=[trial.pk])).content.decode()
    assert "Nothing matched" in text
    assert trader_client.get(series_of(trial.runs.get().pk)).json() == {"figure": None}


def test_the_chart_keeps_every_extreme(trader_client: Client, make_stores) -> None:
    wrong = PRICES.copy()
    wrong[500] += raw("0.00033")
    found = run(reconcile(make_stores(bars(), bars(wrong))))
    answer = trader_client.get(series_of(found.pk)).json()
    band, mean = answer["figure"]["data"]
    assert min(value for value in band["y"] if value is not None) == -33
    assert max(value for value in band["y"] if value is not None) == 0
    assert len(mean["x"]) <= 600
    later = trader_client.get(series_of(found.pk), {"start": str(CLOSES[900])}).json()["figure"]["data"][1]
    assert 0 < len(later["x"]) < 100
    assert trader_client.get(series_of(found.pk), {"start": "soon"}).status_code == 400
    assert trader_client.get(series_of(found.pk, 7)).status_code == 404


def test_the_list_asks_a_constant_number_of_queries(
    trader_client: Client, datasets: list[Dataset], django_assert_max_num_queries
) -> None:
    for count in range(4):
        run(reconcile(datasets[: 2 + count % 2], name=f"Number {count}"))
    with django_assert_max_num_queries(14):
        assert trader_client.get(LIST).content.count(b"Number") == 4


def series_of(run_id: uuid.UUID, number: int = 0) -> str:
    return reverse("quality:reconciliation-series", args=[run_id, number])
