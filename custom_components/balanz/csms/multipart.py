"""The file within a form, for chargers that load up as browsers do (RFC 7578)."""

import mmap
import os
import re
from pathlib import Path

_BOUNDARY = re.compile(
    r"multipart/form-data\s*;.*?boundary=(?:\"([^\"\r\n]{1,70})\"|([^\s;\"]{1,70})).*",
    re.IGNORECASE,
)
_FILE_NAME = re.compile(rb'filename="([^"\r\n]{0,200})"', re.IGNORECASE)
MAX_PART_HEAD_BYTES = 4096


def boundary_of(content_type: str) -> bytes | None:
    """Return what separates the parts of a form; None where it is none."""
    found = _BOUNDARY.fullmatch(content_type)
    return None if found is None else b"--" + (found[1] or found[2]).encode("latin-1")


def unwrap(path: Path, boundary: bytes) -> str | None:
    """Leave in a file only the first file of the form that it holds; return the name of that.

    None, and nothing is changed, where there is none. For a thread. Raises OSError.
    """
    if path.stat().st_size == 0:
        return None
    with path.open("r+b") as file, mmap.mmap(file.fileno(), 0) as form:
        begins = form.find(boundary)
        while begins >= 0:
            head_end = form.find(b"\r\n\r\n", begins, begins + MAX_PART_HEAD_BYTES)
            ends = form.find(b"\r\n" + boundary, head_end)
            if head_end < 0 or ends < 0:
                return None
            name = _FILE_NAME.search(form[begins:head_end])
            if name is not None:
                size = ends - (head_end + 4)
                form.move(0, head_end + 4, size)
                form.flush()
                break
            begins = ends + 2
        else:
            return None
    os.truncate(path, size)
    return name[1].decode("latin-1")
