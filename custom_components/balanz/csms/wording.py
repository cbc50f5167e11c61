"""From words of ours to those of OCPP."""

from typing import Any

from .rpc_frames import Payload


def ocpp_name(word: str) -> str:
    """Return how OCPP spells a word of ours: tx_profile is TxProfile."""
    return "".join(part.capitalize() for part in word.split("_"))


def told(**fields: Any) -> Payload:
    """Return the fields that have a value, in the order given."""
    return {name: value for name, value in fields.items() if value is not None}
