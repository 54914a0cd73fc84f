"""Every address of the project, found by walking the resolver, with keys of rows that exist."""

from __future__ import annotations

import re
from collections.abc import Callable, Iterator
from dataclasses import dataclass
from typing import Any

from django.contrib.admin.sites import site
from django.urls import URLPattern, URLResolver, get_resolver
from django.urls.resolvers import RegexPattern

_PARAMETER = re.compile(r"<(?:\w+:)?(\w+)>")
_MODEL = re.compile(r"admin/(\w+)/(\w+)/<")
# Regular expressions of the admin, and an address that each fits.
_REGEXES = {r"^(?P<app_label>auth|catalog_app|quality_app)/$": "catalog_app/", r"(?P<url>.*)$": "nonsense/"}


@dataclass(frozen=True, slots=True)
class Address:
    """One URL pattern: its name with namespace, its route, and how its parameters are filled."""

    name: str
    route: str
    fill: Callable[[str, str], Any]

    @property
    def parameters(self) -> list[str]:
        """Names of the parameters in the path."""
        return _PARAMETER.findall(self.route)

    @property
    def url(self) -> str:
        """The address of rows that exist."""
        return self.with_parameters()

    def with_parameters(self, value: str | None = None) -> str:
        """The address with all of its parameters set to this text, as it stands in a request line."""
        return "/" + _PARAMETER.sub(
            lambda match: str(self.fill(self.route, match[1])) if value is None else value, self.route
        )

    @property
    def is_admin(self) -> bool:
        """Whether it belongs to Django's admin."""
        return self.name.startswith("admin:")

    @property
    def is_api(self) -> bool:
        """Whether it is an operation of the API, or answers in its place."""
        return self.name.startswith("api:")

    def __str__(self) -> str:
        return f"{self.name} /{self.route}"


def every_address(fill: Callable[[str, str], Any]) -> list[Address]:
    """All addresses; `fill(route, parameter)` gives the keys."""
    return [Address(name, route, fill) for route, name in _walk(get_resolver(), "", "")]


def admin_model(route: str) -> Any:
    """The model of an admin's page about one row."""
    match = _MODEL.match(route)
    assert match, f"{route} is no admin page of one row"
    return next(model for model in site._registry if (model._meta.app_label, model._meta.model_name) == match.groups())


def _walk(resolver: URLResolver, prefix: str, namespace: str) -> Iterator[tuple[str, str]]:
    for pattern in resolver.url_patterns:
        text = str(pattern.pattern)
        if isinstance(pattern.pattern, RegexPattern):
            text = _REGEXES[text]
        if isinstance(pattern, URLPattern):
            yield prefix + text, f"{namespace}{pattern.name}"
        else:
            yield from _walk(
                pattern, prefix + text, f"{namespace}{pattern.namespace}:" if pattern.namespace else namespace
            )
