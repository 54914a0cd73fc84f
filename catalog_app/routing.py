"""WebSocket addresses."""

from django.urls import URLPattern, path

from catalog_app.consumers import JobsConsumer

websocket_urlpatterns: list[URLPattern] = [
    path("ws/jobs/", JobsConsumer.as_asgi()),
]
