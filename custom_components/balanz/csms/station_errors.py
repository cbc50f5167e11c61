"""Why a command to a charger did not work."""


class StationError(Exception):
    """A command that did not work; the text is what the charger said of it."""


class StationUnreachable(StationError):
    """The charger is not there, or did not answer."""


class CommandRejected(StationError):
    """The charger refused."""
