"""The pages that fill gaps: candidates, preview, run, and who may."""

from django.contrib.auth.models import User
from django.test import Client
from django.urls import reverse

from catalog_app.models import Dataset, Job, Store
from quality_app.models import Gap
from quality_app.services.gaps.scan import scan
from quality_app.tests.filling.conftest import (
    MakeStore,
    done,
    filled,
    open_gaps,
    previewed,
    walking_bars,
    without,
)

NEW = reverse("quality:fill-new")


def test_from_candidates_over_the_preview_to_the_operation(
    holed: Dataset, whole: Dataset, data_admin_client: Client
) -> None:
    [gap] = open_gaps(holed)
    page = data_admin_client.get(NEW, {"gap": str(gap.pk)}).content.decode()
    assert "The same data in another place" in page
    assert "no source is set up" in page
    sent = data_admin_client.post(NEW, {"preview": "1", "gap": str(gap.pk), "source": str(whole.pk)})
    preview = Job.objects.get(kind="fill_gaps")
    address = reverse("quality:fill", args=[preview.pk])
    assert sent["Location"] == address
    part = data_admin_client.get(address, headers={"HX-Request": "true"})
    assert (part.status_code, b"<html" in part.content) == (200, False)
    done(preview)
    part = data_admin_client.get(address, headers={"HX-Request": "true"})
    assert part.status_code == 286
    assert "Write 60 rows" in part.content.decode()
    sent = data_admin_client.post(reverse("quality:fill-run", args=[preview.pk]))
    job = done(Job.objects.get(kind="fill_gaps", parameters__previewId=str(preview.pk)))
    assert sent["Location"] == reverse("quality:fill", args=[job.pk])
    page = data_admin_client.get(sent["Location"]).content.decode()
    assert "60 rows written, 1 gap filled" in page
    assert "Undo the fill" in page
    again = data_admin_client.post(reverse("quality:fill-run", args=[preview.pk]))
    assert again["Location"] == sent["Location"]


def test_gaps_of_several_datasets_are_grouped(
    holed: Dataset, whole: Dataset, make_store: MakeStore, data_admin_client: Client
) -> None:
    other = make_store(without(walking_bars(), slice(100, 130)), name="other")
    scan(other)
    keys = [str(gap.pk) for gap in Gap.objects.all()]
    page = data_admin_client.get(NEW, {"gap": keys}).content.decode()
    assert page.count('class="fill-group"') == 2
    refused = data_admin_client.post(NEW, {"preview": "1", "gap": keys, "source": str(whole.pk)})
    assert refused.status_code == 422
    assert "choose gaps of one" in refused.content.decode()


def test_refusals_are_pages(holed: Dataset, data_admin_client: Client) -> None:
    [gap] = open_gaps(holed)
    page = data_admin_client.get(NEW, {"dataset": str(holed.pk)})
    assert "Nothing here can fill this gap" in page.content.decode()
    assert "No gap is chosen" in data_admin_client.get(NEW).content.decode()
    assert data_admin_client.post(NEW, {"preview": "1", "gap": str(gap.pk)}).status_code == 422
    assert data_admin_client.get(NEW, {"gap": str(holed.pk)}).status_code == 422
    Store.objects.filter(pk=holed.store_id).update(read_only=True)
    assert "is read-only" in data_admin_client.get(NEW, {"gap": str(gap.pk)}).content.decode()


def test_only_who_may_fill_gets_there(
    holed: Dataset, whole: Dataset, trader_client: Client, analyst_client: Client, data_admin: User
) -> None:
    preview = previewed(holed, whole, data_admin)
    for client in (trader_client, analyst_client):
        for address in (NEW, reverse("quality:fill", args=[preview.pk])):
            assert client.get(address).status_code == 403
        assert client.post(reverse("quality:fill-run", args=[preview.pk])).status_code == 403


def test_policies_and_fills_are_in_the_admin(
    holed: Dataset, whole: Dataset, data_admin: User, data_admin_client: Client
) -> None:
    assert filled(holed, whole, data_admin).state == "succeeded"
    listed = data_admin_client.get(reverse("admin:quality_app_gapfill_changelist"))
    assert "in whole" in listed.content.decode()
    assert data_admin_client.get(reverse("admin:quality_app_fillpolicy_add")).status_code == 200
    assert data_admin_client.get(reverse("admin:quality_app_gapfill_add")).status_code == 403
