"""Section A: sockets, HTTP requests and handshakes."""

from .rows import BytesRow, HttpStatus, HungUp, Outcome, Upgraded

GOOD = {
    "Host": "x",
    "Upgrade": "websocket",
    "Connection": "Upgrade",
    "Sec-WebSocket-Version": "13",
    "Sec-WebSocket-Key": "AAAAAAAAAAAAAAAAAAAAAA==",
    "Sec-WebSocket-Protocol": "ocpp1.6",
}


def request(path: str = "/ocpp/CP1", *, method: str = "GET", **headers: str | None) -> bytes:
    """Return a handshake that differs from a good one: None leaves a header out."""
    names = {name.replace("_", "-"): value for name, value in headers.items()}
    lines = [f"{name}: {value}" for name, value in (GOOD | names).items() if value is not None]
    return "\r\n".join([f"{method} {path} HTTP/1.1", *lines, "", ""]).encode("latin-1")


def row(row_id: str, case: str, then: Outcome, *sent: bytes | float, times: int = 1) -> BytesRow:
    """Return a row of this section."""
    return BytesRow(id=row_id, case=case, sent=sent, then=then, times=times)


def status(code: int) -> HttpStatus:
    """Return the outcome of a request that is refused."""
    return HttpStatus(code=code)


DUPLICATE_KEY = request().replace(
    b"Sec-WebSocket-Key", b"Sec-WebSocket-Key: BBBBBBBBBBBBBBBBBBBBBB==\r\nSec-WebSocket-Key"
)
MANY = {f"X_{number}": "1" for number in range(100)}
TLS_HELLO = bytes.fromhex("16030100310100002d0303") + bytes(42)

DRIPPING: list[bytes | float] = [b"G", 0.2] * 10

HANDSHAKES = (
    row("A01", "nothing at all", HungUp()),
    row("A02", "half a request and then nothing", HungUp(), b"GET /ocpp/CP1 HTTP/1.1\r\nHost"),
    row("A03", "a byte now and then", HungUp(), *DRIPPING),
    row("A04", "a header of 9 KiB", status(431), request(X_Long="x" * 8150)),
    row("A04", "a hundred headers", status(431), request(**MANY)),
    row("A05", "no upgrade", status(426), request(Upgrade=None, Connection=None)),
    row("A06", "POST", status(405), request(method="POST")),
    row("A06", "OPTIONS", status(405), request(method="OPTIONS")),
    row("A06", "a method that is none", status(405), request(method="BREW")),
    row("A07", "no Connection header", status(400), request(Connection=None)),
    row("A07", "Connection without upgrade", status(400), request(Connection="keep-alive")),
    row("A08", "version 8 of WebSocket", status(426), request(Sec_WebSocket_Version="8")),
    row("A08", "two keys", status(400), DUPLICATE_KEY),
    # Chargers are sold that ask for none and mean 1.6.
    row("A09", "no subprotocol", Upgraded(), request(Sec_WebSocket_Protocol=None)),
    row("A10", "OCPP 1.2", status(400), request(Sec_WebSocket_Protocol="ocpp1.2")),
    row("A10", "OCPP 1.5", status(400), request(Sec_WebSocket_Protocol="ocpp1.5")),
    row("A10", "a foreign protocol", status(400), request(Sec_WebSocket_Protocol="foo")),
    row("A11", "capitals", status(400), request(Sec_WebSocket_Protocol="OCPP1.6")),
    row("A12", "two versions", Upgraded(), request(Sec_WebSocket_Protocol="ocpp2.0.1, ocpp1.6")),
    row("A13", "a probe for another version", status(400),
        request(Sec_WebSocket_Protocol="ocpp2.0.1")),
    # 404 would tell which identities there are: it is the answer to a wrong password.
    row("A14", "an unknown identity", status(401), request("/ocpp/CP9")),
    row("A15", "the root", status(404), request("/")),
    row("A15", "the folder", status(401), request("/ocpp/")),
    row("A16", "slashes in front", Upgraded(), request("///CP1")),
    row("A16", "slashes everywhere", Upgraded(), request("/ocpp//CP1/")),
    row("A17", "escaped slashes", status(404), request("/ocpp/CP%2F..%2Fetc")),
    row("A18", "49 characters", status(404), request(f"/ocpp/{'C' * 49}")),
    row("A18", "9000 characters", status(414), request(f"/ocpp/{'C' * 9000}")),
    row("A19", "a NUL", status(404), request("/ocpp/CP1%00")),
    row("A19", "a line break", status(404), request("/ocpp/CP1%0d%0a")),
    row("A19", "a turn of direction", status(404), request("/ocpp/CP1%E2%80%AE")),
    row("A19", "a colon", status(404), request("/ocpp/CP1%3A")),
    row("A20", "escaped twice", status(404), request("/ocpp/CP%252e")),
    row("A27", "a password that nobody asked for", Upgraded(),
        request(Authorization="Basic Q1AxOnNlY3JldA==")),
    row("A31", "TLS on the plain port", HungUp(), TLS_HELLO),
    row("A32", "a thousand sockets at once that ask for nothing", HungUp(), times=1000),
    row("A33", "an origin", Upgraded(), request(Origin="file://")),
    row("A34", "a second socket of one charger", Upgraded(), request(), times=2),
    row("A36", "a third one before the first two are closed", Upgraded(), request(), times=3),
    row("A37", "twelve sockets of one charger, one after the other", Upgraded(), request(),
        times=12),
)  # fmt: skip
