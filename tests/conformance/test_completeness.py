"""Each published case for a central system of OCPP 1.6 is a test with its name."""

import re
from pathlib import Path

TESTS = Path(__file__).parents[1]
CASES = {
    "core": """001 003 004_1 004_2 005_1 007 010 011_1 011_2 012 013 014 017_1 017_2 018_1 019_1
        019_2 021 023_1 023_2 023_3 024 026 028 030 031 032_1 037_1 037_3 039 040_1 040_2 061
        064""",
    "smart charging": "056 057 059 066 067",
    "local list": "042_1 042_2 043_1 043_3 043_4 043_5",
    "firmware and diagnostics": "044_1 044_2 044_3 045_1 045_2",
    "reservation": "046 047 048_1 048_2 048_3 048_4 049 051 052 053",
    "remote trigger": "054 055",
    "security": "073 074 075_1 075_2 076 077 078 079 080 081 083 085 086 087 088",
}


def test_no_published_case_is_left_out() -> None:
    sources = "".join(path.read_text() for path in TESTS.rglob("test_*.py")).lower()
    # A test has it in its name or in the id of one of its cases; a comment does not count.
    tested = set(re.findall(r"(?:def test_|id=\"|ids=\[.*?\")tc_(\d{3}(?:_\d)?)(?!\d)", sources))
    asked = {case for cases in CASES.values() for case in cases.split()}
    assert len(asked) == 77
    assert asked <= tested, f"not tested: {sorted(asked - tested)}"
