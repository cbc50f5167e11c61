"""What a connection to a back office tells that is of no interest here."""


class QuietPeer:
    """Takes note of nothing."""

    def answered(self, _action: str, /) -> None:
        """Learn that a call was answered."""

    def line_freed(self) -> None:
        """Learn that a call of ours has ended."""

    def late_result(self, _action: str, /) -> None:
        """Learn that a call was answered after its time-out."""

    def odd_frame(self, _text: str, /) -> None:
        """Learn what was wrong with a frame that is served all the same."""

    def closed(self) -> None:
        """Learn that the connection has ended."""
