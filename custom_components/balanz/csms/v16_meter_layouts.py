"""What meter values say besides their numbers (OCPP 1.6, section 7.43): the same for hours.

What the names mean, and whether they fit the schema, is found out once for all messages that differ
in nothing but their numbers.
"""

from typing import Any

from .v16_sampled_value import Labels, label_of
from .v16_usual_values import UsualValues

MOST_LAYOUTS = 32
MOST_VALUES = 50
MOST_FIELDS = 10
MOST_CHARACTERS = 50
_TEXT = frozenset({str})
"""What has more is understood each time anew, lest it fill the memory."""


class Layout:
    """What a list of sampled values says besides their numbers."""

    __slots__ = ("_latest", "fits", "labels", "usual", "written")

    def __init__(self, sampled_values: list[dict[str, str]]) -> None:
        """Understand it."""
        self.labels = labels_of(sampled_values)
        self.usual = UsualValues.among(self.labels, len(sampled_values))
        """Where its values stand; None where they are not the usual ones."""
        self.written = [sampled_value["value"] for sampled_value in sampled_values]
        """The numbers of those that had this layout last."""
        self.fits: bool | None = None
        """Whether it fits the schema; None while nobody has looked."""
        self._latest = [sampled_value.copy() for sampled_value in sampled_values]
        """Those that had this layout last."""

    def is_that_of(self, sampled_values: list[Any], written: list[str]) -> bool:
        """Return whether these values differ from the latest in nothing but their numbers.

        `written` are the numbers.
        """
        if len(sampled_values) != len(self._latest):
            return False
        for latest, value in zip(self._latest, written, strict=True):
            latest["value"] = value
        if self._latest != sampled_values:
            return False
        self.written = written
        return True


class _Layouts:
    """The layouts that came last."""

    def __init__(self) -> None:
        self._layouts: list[Layout] = []
        """The last one that was asked for comes first."""
        self._latest: list[Any] | None = None
        """The values that were asked for last: who checks them is followed by who reads them."""

    def of(self, sampled_values: list[Any]) -> Layout | None:
        """Return the layout of values; None where they are too odd to have one."""
        layouts = self._layouts
        if sampled_values is self._latest:
            return layouts[0]
        written = _numbers_of(sampled_values)
        if written is None:
            return None
        for layout in layouts:
            if layout.is_that_of(sampled_values, written):
                break
        else:
            if not _are_usual(sampled_values):
                return None
            layout = Layout(sampled_values)
            layouts.append(layout)
        if layout is not layouts[0]:
            layouts.remove(layout)
            layouts.insert(0, layout)
            del layouts[MOST_LAYOUTS:]
        self._latest = sampled_values
        return layout


layout_of = _Layouts().of


def labels_of(sampled_values: list[Any]) -> Labels:
    """Return what can be understood of sampled values, whatever they are."""
    labels = [
        (index, label)
        for index, sampled_value in enumerate(sampled_values)
        if isinstance(sampled_value, dict) and (label := label_of(sampled_value)) is not None
    ]
    return sorted(labels, key=lambda labelled: labelled[1].rank)


def _numbers_of(sampled_values: list[Any]) -> list[str] | None:
    """Return the numbers as they are written; None where one is missing, or is no text."""
    try:
        written = [sampled_value["value"] for sampled_value in sampled_values]
    except KeyError, TypeError:
        return None
    return written if _TEXT.issuperset(map(type, written)) else None


def _are_usual(sampled_values: list[Any]) -> bool:
    return len(sampled_values) <= MOST_VALUES and all(
        isinstance(sampled_value, dict)
        and len(sampled_value) <= MOST_FIELDS
        and all(
            isinstance(text, str) and len(text) <= MOST_CHARACTERS
            for text in sampled_value.values()
        )
        for sampled_value in sampled_values
    )
