"""Make an API token for a user."""

from typing import Any

from django.contrib.auth.models import User
from django.core.management.base import CommandParser

from catalog_app.management.base import DeskCommand
from catalog_app.models import ApiToken
from catalog_app.services.errors import ServiceError
from catalog_app.services.tokens import create_token


class Command(DeskCommand):
    help = "Make an API token for a user. It is printed once and stored only as a hash."
    takes_store = False

    def add_own_arguments(self, parser: CommandParser) -> None:
        parser.add_argument("user", help="name of the user")
        parser.add_argument(
            "--scope", action="append", required=True, choices=ApiToken.Scope.values, help="may be given several times"
        )
        parser.add_argument("--days", type=int, default=90, help="valid for so many days (default 90, at most 366)")
        parser.add_argument("--name", default="command line", help="what it is for")

    def handle(self, *_: Any, **options: Any) -> None:
        user = User.objects.filter(username=options["user"]).first()
        if user is None:
            self.usage_error(f"There is no user named {options['user']!r}.")
        try:
            made = create_token(user, options["name"], options["scope"], options["days"])
        except ServiceError as refusal:
            self.usage_error(str(refusal))
        document = {
            "token": made.secret,
            "name": made.token.name,
            "user": user.username,
            "scopes": made.token.scopes,
            "expiresAt": made.token.expires_at,
        }
        self.finish(document, made.secret, as_json=options["as_json"])
