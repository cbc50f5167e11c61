"""The values of balancing as JSON and back, each object once.

What is read may come from anybody, so only the types below can come of it.
"""

import json
from collections.abc import Iterable, Mapping
from dataclasses import fields, is_dataclass
from enum import Enum
from typing import Any, TypeAliasType, get_args, get_type_hints

from ..balancing.commands import Command
from ..balancing.control import State
from ..balancing.inputs import Inputs
from ..balancing.model import Site
from ..balancing.reasons import Rule

_ROOTS = (Site, State, Inputs, Command, Rule)
_OBJECT, _ENUM, _TUPLE, _SET, _MAPPING = "o", "e", "t", "s", "m"


class CodecError(ValueError):
    """What was read means nothing to this version."""


def _reachable() -> dict[str, type]:
    """Return all types of values that the roots may hold, by name."""
    found: dict[str, type] = {}
    waiting: list[Any] = list(_ROOTS)
    while waiting:
        hint = waiting.pop()
        if isinstance(hint, TypeAliasType):
            waiting.append(hint.__value__)
        waiting.extend(get_args(hint))
        if not isinstance(hint, type) or not _is_ours(hint) or hint.__name__ in found:
            continue
        found[hint.__name__] = hint
        if not issubclass(hint, Enum):
            hints = get_type_hints(hint)
            waiting.extend(hints[name] for name in _field_names(hint))
    return found


def _is_ours(kind: type) -> bool:
    return is_dataclass(kind) or hasattr(kind, "_fields") or issubclass(kind, Enum)


def _field_names(kind: type) -> tuple[str, ...]:
    """Return what a value is made from."""
    if is_dataclass(kind):
        return tuple(field.name for field in fields(kind) if field.init)
    names: tuple[str, ...] = getattr(kind, "_fields", ())
    return names


TYPES = _reachable()


class Encoder:
    """Turns values into JSON; objects go to a table, in which each stands once.

    It makes texts, not lists of lists: many thousands of those would keep the garbage collector
    busy, and with it all threads.
    """

    def __init__(self) -> None:
        """Start with an empty table."""
        self.objects: list[str] = []
        """Each is an array that begins with the name of its type."""
        self._numbers: dict[object, int] = {}
        self._names: dict[type, tuple[str, ...]] = {}

    @property
    def types(self) -> dict[str, tuple[str, ...]]:
        """The names of the fields of each type in the table, in the order of their values."""
        return {kind.__name__: names for kind, names in self._names.items()}

    def encode(self, value: Any) -> str:
        """Return a value as JSON. Raises CodecError."""
        if value is None or type(value) in (bool, int, float, str):
            return json.dumps(value)
        if isinstance(value, Enum):
            return json.dumps([_ENUM, type(value).__name__, value.value])
        if isinstance(value, Mapping):
            pairs = (f"[{self.encode(key)},{self.encode(one)}]" for key, one in value.items())
            return _array(_MAPPING, pairs)
        if isinstance(value, frozenset):
            return _array(_SET, map(self.encode, sorted(value)))
        if type(value) is tuple:
            return _array(_TUPLE, map(self.encode, value))
        return f'["{_OBJECT}",{self._number(value)}]'

    def _number(self, value: Any) -> int:
        kind = type(value)
        if TYPES.get(kind.__name__) is not kind:
            raise CodecError(f"a value of an unknown type: {kind.__name__}")
        # Not all values have a hash; whoever encodes holds them, so that their ids stay theirs.
        known: object = (kind, value) if hasattr(kind, "_fields") else id(value)
        number = self._numbers.get(known)
        if number is None:
            names = self._names.setdefault(kind, _field_names(kind))
            told = _array(kind.__name__, (self.encode(getattr(value, name)) for name in names))
            number = self._numbers[known] = len(self.objects)
            self.objects.append(told)
        return number


def _array(first: str, others: Iterable[str]) -> str:
    return f"[{','.join((f'"{first}"', *others))}]"


class Decoder:
    """Turns what an encoder made back into values."""

    def __init__(self, types: Mapping[str, Any], objects: list[Any]) -> None:
        """Read the table. Raises CodecError."""
        self._objects: list[Any] = []
        try:
            for name, *values in objects:
                kind = TYPES[name]
                decoded = dict(zip(types[name], map(self._decode, values), strict=True))
                self._objects.append(kind(**decoded))
        except (AttributeError, IndexError, KeyError, TypeError, ValueError) as error:
            raise CodecError(f"a value cannot be read: {error!r}") from error

    def decode(self, told: Any) -> Any:
        """Return the value. Raises CodecError."""
        try:
            return self._decode(told)
        except (AttributeError, IndexError, KeyError, TypeError, ValueError) as error:
            raise CodecError(f"a value cannot be read: {error!r}") from error

    def _decode(self, told: Any) -> Any:
        if not isinstance(told, list):
            return told
        match told:
            case ["o", int(number)]:
                return self._objects[number]
            case ["e", str(name), value]:
                return TYPES[name](value)
            case ["t", *values]:
                return tuple(map(self._decode, values))
            case ["s", *values]:
                return frozenset(map(self._decode, values))
            case ["m", *pairs]:
                return {self._decode(key): self._decode(value) for key, value in pairs}
            case _:
                raise CodecError(f"a value of an unknown kind: {told[:1]}")
