"""All rows, and how many there are."""

from collections import Counter

from .doors import DOORS
from .handshakes import HANDSHAKES
from .not_yet import NOT_YET
from .payloads import PAYLOADS
from .rows import Row
from .rpc_frames import ANSWERS, FRAMES
from .upstream import UPSTREAM
from .websocket_frames import WEBSOCKET_FRAMES

SECTIONS = {"A": 38, "B": 22, "C": 53, "D": 42, "E": 15}
"""How many rows each section has."""
ALL_IDS = {f"{section}{n:02}" for section, count in SECTIONS.items() for n in range(1, count + 1)}
ROWS: tuple[Row, ...] = (*HANDSHAKES, *DOORS, *WEBSOCKET_FRAMES, *FRAMES, *ANSWERS, *PAYLOADS)
DRIVEN = {row.id for row in ROWS} | UPSTREAM.keys()


def summary() -> list[str]:
    """Return lines that tell what is driven and what is not yet."""
    reasons = Counter(NOT_YET.values())
    return [
        f"{len(DRIVEN)} of {len(ALL_IDS)} rows are driven, in {len(ROWS)} cases",
        f"{len(UPSTREAM)} of them with a back office, elsewhere",
        *(f"{count} not yet, for want of {reason}" for reason, count in reasons.items()),
    ]
