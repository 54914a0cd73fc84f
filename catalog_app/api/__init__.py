"""The HTTP API of this app: routers, their shapes, authentication and errors."""
