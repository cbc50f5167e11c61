"""The files that a site keeps its records in."""

from pathlib import Path


def files_kept(folder: Path) -> frozenset[str]:
    """Return the names of the files with records that a site's folder has.

    One without a byte is left out: each has at least the line that begins it.
    """
    return frozenset(path.name for path in folder.glob("*.jsonl") if path.stat().st_size)
