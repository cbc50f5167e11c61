"""Check payloads by the official OCPP 1.6 schemas, which the `ocpp` package brings along."""

import asyncio
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass
from enum import StrEnum
from functools import cache
from importlib.util import find_spec
from pathlib import Path
from typing import Any

import jsonschema_rs
import orjson

from .repeated_json import Sampled, unfold
from .v16_meter_layouts import layout_of

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
    for direction in Direction:
        _validators(direction)
    _orders()
    _schemas.cache_clear()


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
    if not payload:
        return _check_empty(action, direction)
    if action == "MeterValues" and direction is Direction.REQUEST:
        if _fits_as_before(payload):
            return None
        unfold(payload)
    return _check(_validators(direction)[action], payload)


@cache
def _check_empty(action: str, direction: Direction) -> Violation | None:
    """Return how a payload without fields breaks its schema: many answers have none."""
    return _check(_validators(direction)[action], {})


def _check(validator: jsonschema_rs.Validator, payload: dict[str, Any]) -> Violation | None:
    try:
        # It ends at the first error; a list of all of them may take a tenth of a second to make.
        validator.validate(payload)
    except jsonschema_rs.ValidationError as error:
        place = "/".join(str(step) for step in error.instance_path)
        return Violation(place=place or "payload", rule=str(error.schema_path[-1]))
    return None


def _fits_as_before(payload: dict[str, Any]) -> bool:
    """Return whether meter values surely fit, since they say what fitted before in other numbers.

    The schema takes any text for a value and a time. False where only the schema can tell.
    """
    connector, transaction_id = payload.get("connectorId"), payload.get("transactionId")
    if type(connector) is not int or len(payload) != (2 if transaction_id is None else 3):
        return False
    if transaction_id is not None and type(transaction_id) is not int:
        return False
    meter_values = payload.get("meterValue")
    if not isinstance(meter_values, list):
        return False
    for meter_value in meter_values:
        if not _fits_as_another(meter_value):
            return False
    return bool(meter_values)


def _fits_as_another(meter_value: object) -> bool:
    if not isinstance(meter_value, dict) or len(meter_value) != 2:
        return False
    timestamp, sampled_values = meter_value.get("timestamp"), meter_value.get("sampledValue")
    if type(timestamp) is not str or not isinstance(sampled_values, Sampled):
        return False
    layout = layout_of(sampled_values)
    if layout.fits is None:
        validator = _validators(Direction.REQUEST)["MeterValues"]
        unfolded = {"timestamp": timestamp, "sampledValue": sampled_values.unfolded()}
        layout.fits = validator.is_valid({"connectorId": 1, "meterValue": [unfolded]})
    return layout.fits


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
    return frozenset(_validators(Direction.REQUEST).keys() & _validators(Direction.RESPONSE).keys())


@cache
def _validators(direction: Direction) -> dict[str, jsonschema_rs.Validator]:
    """Return the validators of a direction by action."""
    return {
        name.removesuffix(direction): jsonschema_rs.Draft4Validator(schema, validate_formats=False)
        for name, schema in _schemas().items()
        if name.endswith(Direction.RESPONSE) is (direction is Direction.RESPONSE)
    }


@cache
def _orders() -> dict[str, _Order]:
    return {name: _order(schema, schema) for name, schema in _schemas().items()}


@cache
def _schemas() -> dict[str, dict[str, Any]]:
    # The package is only looked for: with all that it imports, it would take four MiB.
    spec = find_spec("ocpp")
    assert spec is not None
    assert spec.submodule_search_locations is not None
    folder = Path(spec.submodule_search_locations[0]) / "v16" / "schemas"
    return {
        file.stem: orjson.loads(file.read_bytes().removeprefix(b"\xef\xbb\xbf"))
        for file in folder.iterdir()
        if file.suffix == ".json"
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
