"""The rows that cannot be driven yet, each with what it waits for."""

PASSWORDS = "passwords: chargers do not log in yet"
TLS = "TLS: there is only a plain port yet"
ADDRESSES = "addresses: who may come from where is not set yet"
UPSTREAM = "upstream: there is no local controller yet"
OCPP_2 = "OCPP 2: only 1.6 is spoken yet"

NOT_YET = {
    **dict.fromkeys(("A21", "A22", "A23", "A24", "A25", "A26"), PASSWORDS),
    **dict.fromkeys(("A28", "A29", "A30"), TLS),
    **dict.fromkeys(("A35", "A38"), ADDRESSES),
    **dict.fromkeys(("D38", "D39", "D40"), OCPP_2),
    **dict.fromkeys((f"E{number:02}" for number in range(1, 16)), UPSTREAM),
}
