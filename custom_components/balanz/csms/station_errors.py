"""Why a command to a charger did not work."""


class StationError(Exception):
    """A command that did not work; the text is what the charger said of it."""


class StationUnreachable(StationError):
    """The charger is not there, or did not answer."""


class StationOffline(StationUnreachable):
    """There is no connection, so that nothing was sent."""


class AnswerUnreadable(StationUnreachable):
    """The charger answered something that means nothing; it may have done what was asked."""


class CommandInvalid(StationUnreachable):
    """What was to be sent breaks the schema, so that nothing was sent."""


class CommandRejected(StationError):
    """The charger refused."""


class CallRefused(CommandRejected):
    """The charger refused the message itself, with a CALLERROR."""

    def __init__(self, code: str, description: str) -> None:
        """Tell what the charger said."""
        super().__init__(f"{code}: {description}" if description else code)
        self.code = code
        self.description = description
