"""What meter values say besides their numbers (OCPP 1.6, section 7.43): the same for hours.

What the names mean, and whether they fit the schema, is found out once for all messages that differ
in nothing but their numbers.
"""

from typing import Any

from .repeated_json import Sampled
from .v16_sampled_value import Labels, label_of
from .v16_usual_values import UsualValues


class Layout:
    """What a list of sampled values says besides their numbers."""

    __slots__ = ("fits", "labels", "usual")

    def __init__(self, sampled_values: list[Any]) -> None:
        """Understand it."""
        self.labels = labels_of(sampled_values)
        self.usual = UsualValues.among(self.labels, len(sampled_values))
        """Where its values stand; None where they are not the usual ones."""
        self.fits: bool | None = None
        """Whether it fits the schema; None while nobody has looked."""


def layout_of(sampled: Sampled) -> Layout:
    """Return what is known of all values with the same outline."""
    layout: Layout | None = sampled.outline.meaning
    if layout is None:
        layout = sampled.outline.meaning = Layout(sampled.unfolded())
    return layout


def labels_of(sampled_values: list[Any]) -> Labels:
    """Return what can be understood of sampled values, whatever they are."""
    labels = [
        (index, label)
        for index, sampled_value in enumerate(sampled_values)
        if isinstance(sampled_value, dict) and (label := label_of(sampled_value)) is not None
    ]
    return sorted(labels, key=lambda labelled: labelled[1].rank)
