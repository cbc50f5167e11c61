"""Which files of a site's folder are there."""

from pathlib import Path

from custom_components.balanz.storage.journal import Journal
from custom_components.balanz.storage.kept_files import files_kept


async def test_a_file_counts_from_the_moment_it_is_begun(tmp_path: Path) -> None:
    folder = tmp_path / "site"
    assert files_kept(folder) == frozenset()
    journal = Journal(folder / "journal.jsonl")
    await journal.open()
    assert files_kept(folder) == {"journal.jsonl"}
    await journal.rewrite([])
    assert files_kept(folder) == {"journal.jsonl"}
    await journal.close()


async def test_a_file_of_which_nothing_is_left_does_not_count(tmp_path: Path) -> None:
    (tmp_path / "tags.jsonl").touch()
    (tmp_path / "journal.jsonl.damaged").write_bytes(b"00000000 {}\n")
    assert files_kept(tmp_path) == frozenset()
