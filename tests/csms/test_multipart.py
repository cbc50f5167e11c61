"""A file that comes in a form is found in it, and nothing else is taken for one."""

from pathlib import Path

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from custom_components.balanz.csms.multipart import boundary_of, unwrap

FIELD = b'--B\r\nContent-Disposition: form-data; name="id"\r\n\r\nCP1\r\n'
HEAD = b'--B\r\nContent-Disposition: form-data; name="f"; filename="log.zip"\r\n\r\n'
END = b"\r\n--B--\r\n"


@pytest.mark.parametrize(
    ("content_type", "boundary"),
    [
        ("multipart/form-data; boundary=abc", b"--abc"),
        ('Multipart/Form-Data; charset=x; boundary="a b"', b"--a b"),
        ("multipart/form-data", None),
        ("text/plain; boundary=abc", None),
        ("", None),
    ],
)
def test_a_form_is_known_by_its_type(content_type: str, boundary: bytes | None) -> None:
    assert boundary_of(content_type) == boundary


@settings(suppress_health_check=[HealthCheck.function_scoped_fixture])
@given(st.binary(max_size=2000).filter(lambda content: b"\r\n--B" not in content), st.booleans())
def test_the_file_is_what_was_put_into_the_form(
    tmp_path: Path, content: bytes, has_field: bool
) -> None:
    path = tmp_path / "part"
    path.write_bytes((FIELD if has_field else b"") + HEAD + content + END)

    assert unwrap(path, b"--B") == "log.zip"
    assert path.read_bytes() == content


@pytest.mark.parametrize(
    "content", [b"", b"plain", FIELD + b"--B--", HEAD + b"without an end", b"--B" + b"x" * 9000]
)
def test_what_is_no_form_with_a_file_stays_as_it_is(tmp_path: Path, content: bytes) -> None:
    path = tmp_path / "part"
    path.write_bytes(content)

    assert unwrap(path, b"--B") is None
    assert path.read_bytes() == content
