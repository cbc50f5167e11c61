"""The rows that are not driven here, each with what it waits for or what drives it."""

PASSWORDS = "passwords: driven by tests/csms/test_security_profiles.py"
TLS = "TLS: driven by tests/csms/test_tls.py and test_security_profiles.py"
ADDRESSES = "addresses: driven by tests/csms/test_security_profiles.py"
UPSTREAM = "upstream: there is no local controller yet"
OCPP_2 = "OCPP 2: only 1.6 is spoken yet"

NOT_YET = {
    **dict.fromkeys(("A21", "A22", "A23", "A24", "A25", "A26"), PASSWORDS),
    **dict.fromkeys(("A28", "A29", "A30"), TLS),
    **dict.fromkeys(("A35", "A38"), ADDRESSES),
    **dict.fromkeys(("D38", "D39", "D40"), OCPP_2),
    **dict.fromkeys((f"E{number:02}" for number in range(1, 16)), UPSTREAM),
}
