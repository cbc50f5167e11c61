"""Good input made bad: by chance, and by the same chance for the same seed."""

import json
from copy import deepcopy
from random import Random
from typing import Any

NOW = "2026-01-01T00:00:00Z"
SAMPLE = {"value": "6", "measurand": "Current.Import", "unit": "A", "phase": "L1"}
CALLS: tuple[tuple[str, dict[str, Any]], ...] = (
    ("Authorize", {"idTag": "TAG"}),
    ("BootNotification", {"chargePointVendor": "V", "chargePointModel": "M"}),
    ("DataTransfer", {"vendorId": "V", "messageId": "m", "data": "d"}),
    ("DiagnosticsStatusNotification", {"status": "Idle"}),
    ("FirmwareStatusNotification", {"status": "Idle"}),
    ("Heartbeat", {}),
    (
        "MeterValues",
        {
            "connectorId": 1,
            "transactionId": 7,
            "meterValue": [{"timestamp": NOW, "sampledValue": [SAMPLE, SAMPLE | {"value": "7"}]}],
        },
    ),
    ("SecurityEventNotification", {"type": "t", "timestamp": NOW}),
    ("SignCertificate", {"csr": "c"}),
    ("StartTransaction", {"connectorId": 1, "idTag": "T", "meterStart": 0, "timestamp": NOW}),
    (
        "StatusNotification",
        {"connectorId": 1, "errorCode": "NoError", "status": "Charging", "timestamp": NOW},
    ),
    ("StopTransaction", {"transactionId": 7, "meterStop": 5, "timestamp": NOW, "idTag": "T"}),
    ("TriggerMessage", {"requestedMessage": "Heartbeat"}),
)
ANSWERS: tuple[dict[str, Any], ...] = (
    {},
    {"status": "Accepted"},
    {"status": "Rejected"},
    {
        "configurationKey": [
            {"key": "NumberOfConnectors", "readonly": True, "value": "2"},
            {"key": "ChargeProfileMaxStackLevel", "readonly": True, "value": "3"},
        ],
        "unknownKey": ["x"],
    },
)
VALUES: tuple[Any, ...] = (
    None,
    True,
    0,
    -1,
    1.5,
    17,
    2**31,
    2**63,
    1e300,
    "",
    "x" * 300,
    "\0",
    "\u202e{{ 7*7 }}",
    "NaN",
    "2099-01-01T00:00:00Z",
    [],
    {},
    [[[]]],
    {"a": {"b": []}},
)
TOKENS = (
    *("[", "]", "{", "}", ",", ":", '"', "\\", "\\u0000", "\\ud800", "\n", "\t", "\ufeff", "\0"),
    *("NaN", "Infinity", "1e400", "-", "9" * 400, "null", "true", "/*", "[" * 200, '{"a":' * 100),
    *("[[],{}]," * 3000, "1," * 9000, "☃", "2", "3", "4", "6"),
)
REQUEST = (
    "GET /ocpp/{identity} HTTP/1.1\r\nHost: x\r\nUpgrade: websocket\r\nConnection: Upgrade\r\n"
    "Sec-WebSocket-Version: 13\r\nSec-WebSocket-Key: AAAAAAAAAAAAAAAAAAAAAA==\r\n"
    "Sec-WebSocket-Protocol: ocpp1.6\r\n\r\n"
)
REQUEST_TOKENS = (
    *("\r\n", "\n", "\r", " ", ":", ",", "\0", "%00", "%2F", "%", "..", "?", "#", "/", "\xff"),
    *("HTTP/1.0", "POST", "ocpp2.0.1", "keep-alive", "x" * 9000, "X: y\r\n" * 100),
    *("Authorization: Basic !!!\r\n", "Content-Length: 9\r\n", "Transfer-Encoding: chunked\r\n"),
)


class Mutator:
    """A source of bad input."""

    def __init__(self, random: Random) -> None:
        self._random = random

    def call(self, message_id: str) -> str:
        """Return a call, more or less."""
        action, payload = self._random.choice(CALLS)
        return self._spoilt([2, message_id, action, payload])

    def answer(self, message_id: str) -> str:
        """Return an answer to a call, more or less."""
        if self._random.random() < 0.2:
            return self._spoilt([4, message_id, "GenericError", "text", {}])
        return self._spoilt([3, message_id, self._random.choice(ANSWERS)])

    def request(self, identity: str) -> bytes:
        """Return a handshake, more or less."""
        text = REQUEST.replace("{identity}", identity)
        for _ in range(self._random.randint(1, 4)):
            text = self._spoilt_text(text, REQUEST_TOKENS)
        return text.encode("latin-1", "replace")

    def _spoilt(self, frame: list[Any]) -> str:
        random = self._random
        if random.random() < 0.6:
            frame = json.loads(json.dumps(frame))
            for _ in range(random.randint(0, 3)):
                self._spoil_value(frame)
        text = json.dumps(frame, ensure_ascii=random.random() < 0.5)
        if random.random() < 0.4:
            for _ in range(random.randint(1, 5)):
                text = self._spoilt_text(text, TOKENS)
        return text

    def _spoil_value(self, frame: list[Any]) -> None:
        """Put something else in one place of a frame, or leave it out, or say it twice."""
        random = self._random
        container: Any = frame
        while True:
            keys = list(container) if isinstance(container, dict) else list(range(len(container)))
            if not keys:
                return
            key = random.choice(keys)
            below = container[key]
            if isinstance(below, dict | list) and below and random.random() < 0.8:
                container = below
                continue
            break
        match random.randrange(4):
            case 0:
                del container[key]
            case 1 if isinstance(container, list):
                container.insert(key, deepcopy(below))
            case 1:
                container[f"{key}x"] = deepcopy(below)
            case _:
                container[key] = deepcopy(random.choice(VALUES))

    def _spoilt_text(self, text: str, tokens: tuple[str, ...]) -> str:
        random = self._random
        at = random.randint(0, len(text))
        to = min(len(text), at + random.choice((1, 1, 2, 5, 50)))
        match random.randrange(5):
            case 0:
                return text[:at] + text[to:]
            case 1:
                return text[:at] + text[at:to] * 2 + text[to:]
            case 2:
                return text[:at]
            case 3:
                return text[:at] + chr(random.randrange(1, 256)) + text[to:]
            case _:
                return text[:at] + random.choice(tokens) + text[at:]
