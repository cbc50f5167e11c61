"""Check payloads by the official OCPP 1.6 schemas, which the `ocpp` package brings along."""

import asyncio
from concurrent.futures import ThreadPoolExecutor
from enum import StrEnum
from functools import cache
from importlib import resources
from typing import Any

import jsonschema_rs
import orjson


class Direction(StrEnum):
    """What a payload belongs to; the value is the suffix of its schema's name."""

    REQUEST = ""
    RESPONSE = "Response"


async def load() -> None:
    """Read and compile all schemas in a thread, since that takes tens of milliseconds."""
    with ThreadPoolExecutor(max_workers=1) as executor:
        await asyncio.get_running_loop().run_in_executor(executor, _validators)


def check(action: str, direction: Direction, payload: dict[str, Any]) -> str | None:
    """Return where and how a payload breaks its schema, without quoting it; None if it fits.

    Raises KeyError for an action that OCPP 1.6 does not know.
    """
    validator = _validators()[f"{action}{direction}"]
    if validator.is_valid(payload):
        return None
    error = next(validator.iter_errors(payload))
    place = "/".join(str(step) for step in error.instance_path)
    return f"{place or 'payload'} breaks {error.schema_path[-1]}"


def is_known(action: str) -> bool:
    """Return whether OCPP 1.6 or its security extension has this action, in either direction."""
    return action in _validators() and f"{action}{Direction.RESPONSE}" in _validators()


@cache
def _validators() -> dict[str, jsonschema_rs.Validator]:
    folder = resources.files("ocpp.v16") / "schemas"
    return {
        file.name.removesuffix(".json"): jsonschema_rs.Draft4Validator(
            orjson.loads(file.read_bytes().removeprefix(b"\xef\xbb\xbf")), validate_formats=False
        )
        for file in folder.iterdir()
        if file.name.endswith(".json")
    }
