"""Check payloads by the official OCPP 1.6 schemas, which the `ocpp` package brings along."""

import asyncio
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass
from enum import StrEnum
from functools import cache
from importlib import resources
from typing import Any

import jsonschema_rs
import orjson

type _Order = dict[str, _Order]
"""The fields of an object in their order, each with the order within it."""


class Direction(StrEnum):
    """What a payload belongs to; the value is the suffix of its schema's name."""

    REQUEST = ""
    RESPONSE = "Response"


@dataclass(frozen=True, slots=True, kw_only=True)
class Violation:
    """Where and how a payload breaks its schema, without quoting it."""

    place: str
    rule: str
    """The keyword of the schema that is broken, such as `enum`."""

    def __str__(self) -> str:
        return f"{self.place} breaks {self.rule}"


async def load() -> None:
    """Read and compile all schemas in a thread, since that takes tens of milliseconds."""
    with ThreadPoolExecutor(max_workers=1) as executor:
        await asyncio.get_running_loop().run_in_executor(executor, _compile)


def _compile() -> None:
    _validators()
    _orders()


def check(action: str, direction: Direction, payload: dict[str, Any]) -> str | None:
    """Return what is wrong with a payload as a text, which does not quote it; None if it fits.

    Raises KeyError for an action that OCPP 1.6 does not know.
    """
    found = violation(action, direction, payload)
    return None if found is None else str(found)


def violation(action: str, direction: Direction, payload: dict[str, Any]) -> Violation | None:
    """Return the first thing that is wrong with a payload; None if it fits.

    Raises KeyError for an action that OCPP 1.6 does not know.
    """
    try:
        # It ends at the first error; a list of all of them may take a tenth of a second to make.
        _validators()[f"{action}{direction}"].validate(payload)
    except jsonschema_rs.ValidationError as error:
        place = "/".join(str(step) for step in error.instance_path)
        return Violation(place=place or "payload", rule=str(error.schema_path[-1]))
    return None


def in_order(action: str, direction: Direction, payload: dict[str, Any]) -> dict[str, Any]:
    """Return a payload with its fields in the order of the schema, in nested objects too.

    JSON gives the order no meaning, but some chargers read no other.
    """
    return _sorted(payload, _orders()[f"{action}{direction}"]) if payload else payload


def is_known(action: str) -> bool:
    """Return whether OCPP 1.6 or its security extension has this action, in either direction."""
    return action in _actions()


@cache
def _actions() -> frozenset[str]:
    names = _validators().keys()
    return frozenset(name for name in names if f"{name}{Direction.RESPONSE}" in names)


@cache
def _validators() -> dict[str, jsonschema_rs.Validator]:
    return {
        name: jsonschema_rs.Draft4Validator(schema, validate_formats=False)
        for name, schema in _schemas().items()
    }


@cache
def _orders() -> dict[str, _Order]:
    return {name: _order(schema, schema) for name, schema in _schemas().items()}


@cache
def _schemas() -> dict[str, dict[str, Any]]:
    folder = resources.files("ocpp.v16") / "schemas"
    return {
        file.name.removesuffix(".json"): orjson.loads(
            file.read_bytes().removeprefix(b"\xef\xbb\xbf")
        )
        for file in folder.iterdir()
        if file.name.endswith(".json")
    }


def _order(schema: dict[str, Any], root: dict[str, Any]) -> _Order:
    """Return the fields of an object, or of the objects of a list, in their order."""
    while "$ref" in schema:
        schema = root["definitions"][schema["$ref"].rpartition("/")[2]]
    if "items" in schema:
        return _order(schema["items"], root)
    return {name: _order(field, root) for name, field in schema.get("properties", {}).items()}


def _sorted(value: Any, order: _Order) -> Any:
    if isinstance(value, list):
        return [_sorted(item, order) for item in value]
    if not isinstance(value, dict):
        return value
    known = {name: _sorted(value[name], below) for name, below in order.items() if name in value}
    return known | {name: item for name, item in value.items() if name not in known}
