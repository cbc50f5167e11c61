"""The rows that are not driven at all, each with what it waits for."""

OCPP_2 = "OCPP 2: only 1.6 is spoken yet"

NOT_YET = dict.fromkeys(("D38", "D39", "D40"), OCPP_2)
