"""What can become of a call, as exceptions."""

from .rpc_frames import ErrorCode


class CallFailed(Exception):
    """A call of ours that did not get its answer."""

    sent = True
    """Whether the call may have reached the charger."""


class InvalidCall(CallFailed):
    """A call or an answer of ours breaks the schema, so it was not sent: a fault of ours."""

    sent = False


class LineBusy(CallFailed):
    """Other calls held the line for too long; this one was never sent."""

    sent = False


class ConnectionLost(CallFailed):
    """The socket is gone."""

    def __init__(self, *, sent: bool) -> None:
        super().__init__("the connection is lost")
        self.sent = sent


class CallTimeout(CallFailed):
    """No answer in time; one may still come."""


class MalformedAnswer(CallFailed):
    """An answer came that cannot be read."""


class CallRejected(CallFailed):
    """The charger answered with a CALLERROR."""

    def __init__(self, code: str, description: str) -> None:
        super().__init__(f"{code}: {description}" if description else code)
        self.code = code
        self.description = description


class CallError(Exception):
    """Raised by a handler: answer the charger's call with this CALLERROR."""

    def __init__(self, code: ErrorCode, description: str = "") -> None:
        super().__init__(f"{code}: {description}")
        self.code = code
        self.description = description


class WithholdAnswer(Exception):
    """Raised by a handler: say nothing, so that the charger tries again."""
