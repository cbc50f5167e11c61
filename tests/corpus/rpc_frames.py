"""Section C: what comes as text, and answers to calls."""

import json
from typing import Any

from .rows import AnswerRow, Closed, FramesRow, Ignored, Outcome, Refused, Served

HEARTBEAT = '[2,"1","Heartbeat",{}]'
TIME = {"currentTime": ...}
START = {"connectorId": 1, "idTag": "A", "meterStart": 0, "timestamp": "2026-01-01T00:00:00Z"}
IGNORED = Ignored()
FORMATION = Refused(code="FormationViolation")


def row(row_id: str, case: str, then: Outcome, *sent: str | bytes, times: int = 1) -> FramesRow:
    """Return a row of this section."""
    return FramesRow(id=row_id, case=case, sent=sent, then=then, times=times)


def call(payload: Any, action: str = "Heartbeat", message_id: Any = "1") -> str:
    """Return the text of a call."""
    return json.dumps([2, message_id, action, payload])


def heartbeat(id_text: str) -> str:
    """Return the text of a call whose id is written in just this way."""
    return f'[2,{id_text},"Heartbeat",{{}}]'


def field(value: str) -> str:
    """Return the text of a call with a field whose value is written in just this way."""
    return f'[2,"1","Heartbeat",{{"a":{value}}}]'


def samples(count: int) -> str:
    """Return meter values with so many samples."""
    values = [{"value": "1", "unit": "A"}] * count
    stamped = {"timestamp": "2026-01-01T00:00:00Z", "sampledValue": values}
    return call({"connectorId": 1, "meterValue": [stamped]}, "MeterValues")


def nested(depth: int) -> str:
    """Return a call whose data are nested so deep."""
    return f'[2,"1","DataTransfer",{{"vendorId":"x","data":{"[" * depth + "]" * depth}}}]'


MANY_OBJECTS = call({"vendorId": "x", "data": [{"a": 1}] * 26_000}, "DataTransfer")
PATHS = "../../etc/passwd"

FRAMES = (
    row("C01", "empty", IGNORED, ""),
    row("C02", "a word", IGNORED, "hello"),
    *(row("C03", case, IGNORED, case) for case in ("{}", "null", "2", '"x"')),
    row("C04", "an empty list", IGNORED, "[]"),
    row("C04", "a type alone", IGNORED, "[2]"),
    row("C05", "no action", FORMATION, '[2,"1"]'),
    row("C05", "no payload", FORMATION, '[2,"1","Heartbeat"]'),
    row("C06", "an element too many", FORMATION, '[2,"1","Heartbeat",{},{}]'),
    *(row("C07", f"type {kind}", IGNORED, f'[{kind},"1","Heartbeat",{{}}]')
      for kind in ("9", "-1", "0", "1e9")),
    *(row("C08", f"type {kind}", IGNORED, f'[{kind},"1","Heartbeat",{{}}]')
      for kind in ('"2"', "true", "null")),
    row("C08", "type 2.0", Served(has=TIME), '[2.0,"1","Heartbeat",{}]'),
    row("C09", "a SEND", IGNORED, '[6,"1","X",{}]'),
    row("C10", "a CALLRESULTERROR", IGNORED, '[5,"1","GenericError","",{}]'),
    row("C11", "the id is a number", Served(has=TIME, id=1), heartbeat("1")),
    *(row("C12", f"the id is {text}", IGNORED, heartbeat(text))
      for text in ("null", "[1]", "{}", "true")),
    row("C13", "the id is empty", Served(has=TIME, id=""), heartbeat('""')),
    row("C14", "the id has 37 characters", Served(has=TIME, id="i" * 37),
        heartbeat(f'"{"i" * 37}"')),
    row("C14", "the id has 255 characters", Served(has=TIME, id="i" * 255),
        heartbeat(f'"{"i" * 255}"')),
    row("C15", "the id has 200 000 characters", IGNORED, heartbeat(f'"{"i" * 200_000}"')),
    row("C16", "the id has all that must be escaped", Served(has=TIME, id='"\\\0\n☃😀'),
        call({}, message_id='"\\\0\n☃😀')),
    row("C17", "a call that was answered, again", Served(has={"status": "UnknownVendorId"}),
        *[call({"vendorId": "x"}, "DataTransfer")] * 2),
    row("C18", "an id that was used for another call", Served(has=TIME),
        call({"vendorId": "x"}, "DataTransfer"), HEARTBEAT),
    *(row("C20", f"the action is {text}", FORMATION, f'[2,"1",{text},{{}}]')
      for text in ("5", "null", "true")),
    *(row("C21", f"the action is {text}", FORMATION, f'[2,"1",{text},{{}}]')
      for text in ('["a"]', "{}")),
    *(row(row_id, f"the action is {action[:20]}", Refused(code="NotImplemented"), call({}, action))
      for row_id, action in (
          ("C22", "Foo"), ("C23", "heartbeat"), ("C24", "__class__"), ("C24", PATHS),
          ("C24", "a" * 100_000), ("C26", "TransactionEvent"))),
    row("C25", "a call that only a central system makes", Refused(code="NotSupported"),
        call({"idTag": "A"}, "RemoteStartTransaction")),
    row("C27", "the payload is null", Served(has=TIME), call(None)),
    *(row("C28", f"the payload is {text}", FORMATION, f'[2,"1","Heartbeat",{text}]')
      for text in ('"x"', "1", "[1]")),
    row("C28", "the payload is an empty list", Served(has=TIME), call([])),
    *(row("C29", text, IGNORED, field(text)) for text in ("NaN", "Infinity", "-Infinity")),
    row("C30", "a number beyond all", IGNORED, field("1e400")),
    row("C31", "a number of 5000 digits", IGNORED, field("9" * 5000)),
    *(row("C32", f"connector {value}", Refused(code="PropertyConstraintViolation"),
          call({"connectorId": value, "status": "Available", "errorCode": "NoError"},
               "StatusNotification"))
      for value in (2**63, 1e20)),
    row("C32", "a meter at 1e20", Refused(code="PropertyConstraintViolation"),
        call(START | {"meterStart": 1e20}, "StartTransaction")),
    row("C33", "a hundred thousand brackets", IGNORED, "[" * 100_000),
    row("C33", "forty thousand objects in each other", IGNORED, '{"a":' * 40_000),
    row("C34", "33 levels", FORMATION, nested(33)),
    row("C34", "900 levels", FORMATION, nested(900)),
    row("C35", "a connector twice", Served(),
        '[2,"1","StatusNotification",{"connectorId":17,"connectorId":18,"status":"Faulted",'
        '"errorCode":"NoError"}]'),
    row("C35", "two transactions in one stop", FORMATION,
        '[2,"1","StopTransaction",{"transactionId":1,"transactionId":2}]'),
    row("C36", "something behind the frame", IGNORED, HEARTBEAT + "xx"),
    row("C36", "two frames in one message", IGNORED, HEARTBEAT * 2),
    row("C36", "a list of frames", IGNORED, f"[{HEARTBEAT}]"),
    row("C37", "a byte order mark", Served(has=TIME), "\ufeff" + HEARTBEAT),
    row("C37", "blanks around", Served(has=TIME), f" \r\n\t{HEARTBEAT}\n "),
    row("C38", "an escape that is none", IGNORED, field('"\\x41"')),
    row("C38", "a bare control character", IGNORED, field('"\x01"')),
    row("C39", "half a character", FORMATION, field('"\\ud800"')),
    row("C40", "a NUL in a tag", Served(has={"idTagInfo": {"status": "Invalid"}}),
        call({"idTag": "A\0"}, "Authorize")),
    *(row("C41", text, IGNORED, field(text)) for text in ("01", "+1", ".5", "1/*x*/", "1,", "'x'")),
    row("C42", "26 000 objects", FORMATION, MANY_OBJECTS),
    row("C43", "6000 samples", Served(), samples(6000)),
    row("C44", "a result that nobody waits for", IGNORED, '[3,"nobody",{}]'),
    row("C44", "a thousand of them", Closed(codes=(1008,)), '[3,"nobody",{}]', times=1000),
    row("C48", "an error that nobody waits for", IGNORED, '[4,"nobody"]'),
    row("C49", "an error without an id", IGNORED, '[4,"-1","RpcFrameworkError","",{}]'),
    row("D30", "a security event of 1 MB", Closed(codes=(1009,)),
        call({"type": "x" * 1_000_000, "timestamp": "2026-01-01T00:00:00Z"},
             "SecurityEventNotification")),
    row("C51", "a call before the last one is answered", Served(has=TIME),
        call({"vendorId": "x"}, "DataTransfer", "0"), HEARTBEAT),
)  # fmt: skip


def answer(row_id: str, case: str, becomes: str, reply: str | None, ask: str) -> AnswerRow:
    """Return a row about what a charger answers."""
    return AnswerRow(id=row_id, case=case, ask=ask, reply=reply, becomes=becomes)


NOT_READ = "AnswerUnreadable: no payload"

ANSWERS = (
    answer("C19", "a call meanwhile, twice", "done",
           '[2,"same","StatusNotification",{"connectorId":17,"errorCode":"NoError","status":"x"}]'
           '\n[2,"same","StatusNotification",{"connectorId":17,"errorCode":"NoError","status":"x"}]'
           '\n[3,"%s",{"status":"Accepted"}]', "trigger"),
    answer("C45", "after its time", "late", None, "trigger"),
    answer("C46", "no payload", NOT_READ, '[3,"%s"]', "trigger"),
    answer("C46", "two payloads", NOT_READ, '[3,"%s",{},{}]', "trigger"),
    answer("C46", "the payload is a list", NOT_READ, '[3,"%s",[]]', "trigger"),
    answer("C46", "the type is text", NOT_READ, '["3","%s",{}]', "trigger"),
    answer("C46", "no JSON", NOT_READ, '[3,"%s",{"status":Accepted}]', "trigger"),
    answer("C47", "a status that is none", "AnswerUnreadable: status 'Maybe'",
           '[3,"%s",{"status":"Maybe"}]', "trigger"),
    answer("C47", "no status", "AnswerUnreadable: status ''", '[3,"%s",{}]', "trigger"),
    answer("C48", "an error without a code", "CallRefused: GenericError", '[4,"%s"]',
           "trigger"),
    answer("C48", "an error with too much", "CallRefused: Foo: a",
           '[4,"%s","Foo","a",{},{},{}]', "trigger"),
    answer("C48", "an error whose description is none", "CallRefused: NotSupported",
           '[4,"%s","NotSupported",5,null]', "trigger"),
    answer("C50", "a call of its own first", "done",
           '[2,"own","Heartbeat",{}]\n[3,"%s",{"status":"Accepted"}]', "trigger"),
    answer("C52", "never in time, and the line is free again", "late", None, "trigger"),
    answer("D33", "two thousand keys, and odd ones", "done",
           '[3,"%s",{"configurationKey":[' + '{"key":"x","readonly":null,"value":5},' * 2000
           + '{"key":"numberofconnectors","value":2},{"key":null},7]}]', "settings"),
    answer("D34", "an empty list", NOT_READ, '[3,"%s",[]]', "schedule"),
    answer("D34", "no schedule", "nothing", '[3,"%s",{"status":"Accepted"}]', "schedule"),
    answer("D34", "a limit below zero", "nothing",
           '[3,"%s",{"status":"Accepted","connectorId":1,"chargingSchedule":{"chargingRateUnit":'
           '"A","chargingSchedulePeriod":[{"startPeriod":0,"limit":-1}]}}]', "schedule"),
    answer("D34", "a limit that is no number", NOT_READ,
           '[3,"%s",{"status":"Accepted","connectorId":1,"chargingSchedule":{"chargingRateUnit":'
           '"A","chargingSchedulePeriod":[{"startPeriod":0,"limit":NaN}]}}]', "schedule"),
    answer("D35", "OK instead of Accepted", "timed_out", '[3,"%s",{"status":"OK"}]', "limit"),
    answer("D35", "no status", "timed_out", '[3,"%s",{}]', "limit"),
)  # fmt: skip
