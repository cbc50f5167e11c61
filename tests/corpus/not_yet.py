"""The rows that are not driven here, each with what it waits for or what drives it."""

UPSTREAM = "upstream: there is no local controller yet"
OCPP_2 = "OCPP 2: only 1.6 is spoken yet"

NOT_YET = {
    **dict.fromkeys(("D38", "D39", "D40"), OCPP_2),
    **dict.fromkeys((f"E{number:02}" for number in range(1, 16)), UPSTREAM),
}
