"""HTTP by Django, WebSockets by Channels; both authenticated by the session."""

import os

from channels.auth import AuthMiddlewareStack
from channels.routing import ProtocolTypeRouter, URLRouter
from channels.security.websocket import AllowedHostsOriginValidator
from django.core.asgi import get_asgi_application

os.environ.setdefault("DJANGO_SETTINGS_MODULE", "datacatalog.settings")
django_application = get_asgi_application()

# Models must be loaded before these.
from catalog_app import routing as catalog_routing  # noqa: E402
from quality_app import routing as quality_routing  # noqa: E402

websocket_urlpatterns = [*catalog_routing.websocket_urlpatterns, *quality_routing.websocket_urlpatterns]

application = ProtocolTypeRouter(
    {
        "http": django_application,
        "websocket": AllowedHostsOriginValidator(AuthMiddlewareStack(URLRouter(websocket_urlpatterns))),
    }
)
