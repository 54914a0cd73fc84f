"""The admin registers stores, and shows the rest."""

import pytest
from django.conf import settings
from django.contrib import admin
from django.test import Client
from django.urls import reverse

from catalog_app.models import ApiToken, Job, JobLine, Store

pytestmark = pytest.mark.django_db
ADD = reverse("admin:catalog_app_store_add")


def add(client: Client, root: str):
    return client.post(ADD, {"name": "new", "root": root})


def test_a_store_is_registered(data_admin_client, tmp_path):
    assert add(data_admin_client, str(tmp_path)).status_code == 302
    assert Store.objects.get().root == str(tmp_path.resolve())


def test_a_link_is_followed(data_admin_client, tmp_path):
    (tmp_path / "real").mkdir()
    (tmp_path / "link").symlink_to(tmp_path / "real")
    add(data_admin_client, str(tmp_path / "link"))
    assert Store.objects.get().root == str((tmp_path / "real").resolve())


@pytest.mark.parametrize(
    ("root", "words"),
    [
        ("relative/path", "absolute path"),
        ("/no/such/directory", "does not exist"),
        ("{home}", "own files"),
        ("{home}/uploads", "own files"),
        ("{home}/demo/../exports", "own files"),
        ("/", "own files"),
    ],
)
def test_a_directory_that_cannot_be_a_store_is_refused(data_admin_client, root, words):
    response = add(data_admin_client, root.format(home=settings.DATACATALOG_HOME))
    assert response.status_code == 200
    assert words in response.content.decode()
    assert not Store.objects.exists()


def test_a_file_is_no_store(data_admin_client, tmp_path):
    (tmp_path / "file").touch()
    assert "no directory" in add(data_admin_client, str(tmp_path / "file")).content.decode()


def test_the_default_place_of_stores_is_allowed(data_admin_client):
    root = settings.DATACATALOG_HOME / "demo" / "catalog"
    root.mkdir(parents=True, exist_ok=True)
    assert add(data_admin_client, str(root)).status_code == 302


def test_the_root_of_a_registered_store_stays(data_admin_client, tmp_path):
    store = Store.objects.create(name="s", root=str(tmp_path))
    (tmp_path / "other").mkdir()
    url = reverse("admin:catalog_app_store_change", args=(store.pk,))
    data_admin_client.post(url, {"name": "renamed", "root": str(tmp_path / "other"), "read_only": "on"})
    store.refresh_from_db()
    assert (store.name, store.root, store.read_only) == ("renamed", str(tmp_path), True)


@pytest.mark.parametrize(
    "model", [m for m in admin.site._registry if m._meta.app_label == "catalog_app"], ids=lambda m: m.__name__
)
def test_every_list_opens_and_only_stores_are_added(data_admin_client, model):
    name = f"admin:{model._meta.app_label}_{model._meta.model_name}"
    assert data_admin_client.get(reverse(f"{name}_changelist")).status_code == 200
    assert data_admin_client.get(reverse(f"{name}_add")).status_code == (200 if model is Store else 403)


def test_a_job_is_shown_with_its_log_and_not_changed(data_admin_client):
    job = Job.objects.create(kind="sync", title="Sync")
    JobLine.objects.create(job=job, text="a line of the log")
    url = reverse("admin:catalog_app_job_change", args=(job.pk,))
    assert "a line of the log" in data_admin_client.get(url).content.decode()
    assert data_admin_client.post(url, {"title": "changed"}).status_code == 403


def test_the_hash_of_a_token_is_not_shown(data_admin_client, data_admin):
    from catalog_app.services.tokens import create_token

    token = create_token(data_admin, "a", ["read"], days=7).token
    url = reverse("admin:catalog_app_apitoken_change", args=(token.pk,))
    assert ApiToken.objects.get().digest not in data_admin_client.get(url).content.decode()


def test_traders_do_not_get_in(trader_client):
    assert trader_client.get(ADD).status_code == 302
