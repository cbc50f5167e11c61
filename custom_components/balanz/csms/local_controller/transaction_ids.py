"""Transaction ids: the charger knows those of balanz, the back office its own."""

import json
import re
from collections.abc import Mapping

from ..rpc_frames import Payload, Verbatim

_ID = re.compile(r'("transactionId"\s*:\s*)-?\d+(?=\s*[,}])')


class TransactionIds:
    """The ids of one charger's transactions on both legs."""

    def __init__(self, upstream: Mapping[int, int | None]) -> None:
        """Look into a map from ids of balanz to those of the back office.

        None is the id of one that the back office was not told of yet; of two under one id of the
        back office the later counts.
        """
        self._upstream = upstream

    def upstream(self, own: int) -> int:
        """Return what the back office calls a transaction; without another name, the same."""
        upstream = self._upstream.get(own)
        return own if upstream is None else upstream

    def own(self, upstream: int) -> int | None:
        """Return what the charger calls a transaction of the back office; None if it has no such.

        An id that only the charger knows is none of the back office's.
        """
        for own, known in reversed(list(self._upstream.items())):
            if known == upstream:
                return own
        return None if upstream in self._upstream else upstream


def with_transaction(payload: Payload, transaction_id: int) -> Payload:
    """Return a payload about another transaction, otherwise to the letter the same.

    One that names a transaction nowhere, or an id that is no number, comes back as it is.
    """
    if isinstance(payload, Verbatim):
        text, count = _ID.subn(rf"\g<1>{transaction_id}", payload.text)
        if count == 1:
            return Verbatim.of(json.loads(text), text)
    if isinstance(payload.get("transactionId"), int):
        return payload | {"transactionId": transaction_id}
    return payload
