"""Typed doors to the decorators of the `ocpp` package."""

from collections.abc import Callable
from typing import Any

from ocpp import routing
from ocpp.v16.enums import Action


def on[F: Callable[..., Any]](action: Action) -> Callable[[F], F]:
    """Answer this action with what the method returns."""
    return _decorator("on", action)


def after[F: Callable[..., Any]](action: Action) -> Callable[[F], F]:
    """Call the method once this action has been answered."""
    return _decorator("after", action)


def routes(*handlers: object) -> dict[str, dict[str, Any]]:
    """Collect the decorated methods of these objects as the package wants them."""
    untyped: Any = routing
    merged: dict[str, dict[str, Any]] = {}
    for handler in handlers:
        merged.update(untyped.create_route_map(handler))
    return merged


def _decorator[F: Callable[..., Any]](name: str, action: Action) -> Callable[[F], F]:
    untyped: Any = getattr(routing, name)
    decorator: Callable[[F], F] = untyped(action)
    return decorator
