"""A firmware that a charger can be given: what it is, whom it is for, and where it lies. Pure."""

import re
from dataclasses import dataclass, field
from functools import lru_cache
from math import comb
from urllib.parse import urlsplit

MAX_ID_LENGTH = 100
MAX_VERSION_LENGTH = 50
"""As in a BootNotification (OCPP 1.6 section 6.7)."""
MAX_PATTERN_LENGTH = 200
MAX_URL_LENGTH = 512
MAX_NOTES_LENGTH = 10_000
MAX_CERTIFICATE_LENGTH = 5500
MAX_SIGNATURE_LENGTH = 800
"""As in a SignedUpdateFirmware (security whitepaper, edition 3)."""
MAX_PATHS = 400_000
"""In how many ways a pattern may be tried on a text; so many take some 2 ms."""
MATCHED_LENGTH = 50
"""So much is read of what a charger says of itself."""
SCHEMES = ("ftp", "ftps", "http", "https", "sftp")
LOCAL_PREFIX = "local:"
"""Before the name of a file in the folder of firmware files, which balanz then serves itself."""
_FILE_NAME = re.compile(r"[A-Za-z0-9][A-Za-z0-9._+-]{0,99}")
_REPETITION = re.compile(r"\{[0-9]*,?[0-9]*\}")
_PRERELEASES = frozenset({"alpha", "beta", "dev", "pre", "preview", "rc", "snapshot"})
_BEFORE_RELEASE, _RELEASE, _AFTER_RELEASE, _NUMBER = range(4)


class FirmwareError(ValueError):
    """A firmware that cannot be; `code` says why, `value` shows a little of what is wrong."""

    def __init__(self, code: str, value: object = "") -> None:
        shown = "".join(character for character in str(value) if character.isprintable())
        self.code = code
        self.value = shown if len(shown) <= 40 else f"{shown[:40]}…"
        super().__init__(f"{code}: {self.value}")


@dataclass(frozen=True, slots=True, kw_only=True)
class InstalledFirmware:
    """What a charger runs, as its BootNotification told; empty where it did not."""

    vendor: str
    model: str
    version: str
    meter_type: str = ""


@dataclass(frozen=True, slots=True, kw_only=True)
class FirmwareEntry:
    """A firmware of the catalogue. Raises FirmwareError if it cannot be.

    Patterns are regular expressions without regard to case, which have to fit the whole text;
    an empty one fits all.
    """

    version: str
    """What a charger that runs it tells in its BootNotification."""
    url: str
    """Where the charger loads it from; or `local:` and the name of a file that balanz serves."""
    id: str = ""
    """What names it in the catalogue; made of the other fields where it is left empty."""
    vendor: str = ""
    model: str = ""
    meter_type: str = ""
    from_versions: str = ""
    """The versions that it is for; where it is empty, all that are older."""
    release_notes: str = ""
    certificate: str = ""
    """Of who signed it, as PEM."""
    signature: str = ""
    """In Base64; empty where it is not signed."""
    key: str = field(init=False, repr=False, compare=False)

    def __post_init__(self) -> None:
        """Check what was told."""
        for name in ("release_notes", "certificate", "signature"):
            object.__setattr__(self, name, getattr(self, name).strip())
        if not self.id:
            parts = (self.vendor, self.model, self.version)
            object.__setattr__(self, "id", " ".join(filter(None, parts))[:MAX_ID_LENGTH].strip())
        if not _is_line(self.version, MAX_VERSION_LENGTH):
            raise FirmwareError("firmware_version_invalid", self.version)
        if not _is_line(self.id, MAX_ID_LENGTH):
            raise FirmwareError("firmware_id_invalid", self.id)
        if not is_location(self.url) and self.local_name is None:
            raise FirmwareError("firmware_url_invalid", self.url)
        for pattern in (self.vendor, self.model, self.meter_type, self.from_versions):
            check_pattern(pattern)
        if len(self.release_notes) > MAX_NOTES_LENGTH:
            raise FirmwareError("firmware_notes_too_long", MAX_NOTES_LENGTH)
        if bool(self.certificate) != bool(self.signature):
            raise FirmwareError("firmware_signature_incomplete", self.version)
        if len(self.certificate) > MAX_CERTIFICATE_LENGTH:
            raise FirmwareError("firmware_certificate_too_long", MAX_CERTIFICATE_LENGTH)
        if len(self.signature) > MAX_SIGNATURE_LENGTH:
            raise FirmwareError("firmware_signature_too_long", MAX_SIGNATURE_LENGTH)
        object.__setattr__(self, "key", firmware_key(self.id))

    @property
    def local_name(self) -> str | None:
        """The name of the file that balanz serves; None where the charger loads it elsewhere."""
        name = self.url.removeprefix(LOCAL_PREFIX)
        return name if name != self.url and _FILE_NAME.fullmatch(name) else None

    @property
    def signed(self) -> bool:
        """Whether a charger can check who made it."""
        return bool(self.signature)

    def fits(self, installed: InstalledFirmware) -> bool:
        """Return whether it is an update for a charger.

        Whoever names the versions that it is for decides; else it has to be newer.
        """
        if not installed.version or installed.version == self.version:
            return False
        if self.from_versions:
            suits = pattern_fits(self.from_versions, installed.version)
        else:
            suits = version_order(self.version) > version_order(installed.version)
        return (
            suits
            and pattern_fits(self.vendor, installed.vendor)
            and pattern_fits(self.model, installed.model)
            and pattern_fits(self.meter_type, installed.meter_type)
        )


def firmware_key(firmware_id: str) -> str:
    """Return what names a firmware whatever case it is written in."""
    return firmware_id.strip().casefold()


def is_location(url: str) -> bool:
    """Return whether a charger can load from a URL."""
    try:
        parts = urlsplit(url)
    except ValueError:
        return False
    known = parts.scheme.lower() in SCHEMES and bool(parts.hostname)
    return known and len(url) <= MAX_URL_LENGTH and url.isprintable() and " " not in url


def pattern_fits(pattern: str, text: str) -> bool:
    """Return whether a checked pattern fits the whole of what a charger told."""
    return not pattern or _compiled(pattern).fullmatch(text[:MATCHED_LENGTH]) is not None


def check_pattern(pattern: str) -> None:
    """Raise FirmwareError for what is no regular expression, or one that could take for ever."""
    if len(pattern) > MAX_PATTERN_LENGTH or not pattern.isprintable():
        raise FirmwareError("firmware_pattern_invalid", pattern)
    if _paths(pattern) > MAX_PATHS:
        raise FirmwareError("firmware_pattern_too_complex", pattern)
    try:
        _compiled(pattern)
    except re.error, OverflowError, RecursionError:
        raise FirmwareError("firmware_pattern_invalid", pattern) from None


def version_order(version: str) -> tuple[tuple[int, int, str], ...]:
    """Return what puts versions in order: 1.9 before 1.10-rc1 before 1.10 before 1.10.1."""
    words = re.findall(r"[0-9]+|[a-z]+", version.lower())
    if words[:1] == ["v"]:
        del words[0]
    order = [
        (_NUMBER, int(word), "")
        if word.isdigit()
        else (_BEFORE_RELEASE if word in _PRERELEASES else _AFTER_RELEASE, 0, word)
        for word in words
    ]
    return (*order, (_RELEASE, 0, ""))


@lru_cache(maxsize=1024)
def _compiled(pattern: str) -> re.Pattern[str]:
    return re.compile(pattern, re.IGNORECASE)


def _paths(pattern: str) -> int:
    """Return at most in how many ways a pattern can be tried; too many for what nobody needs.

    The engine tries all of them where none fits, and nothing else runs meanwhile.
    """
    paths, repeats, position, is_group = 1, 0, 0, False
    alternatives = [1]
    while position < len(pattern):
        character = pattern[position]
        was_group, is_group = is_group, False
        if character == "\\":
            if pattern[position + 1 : position + 2].isdigit():
                return MAX_PATHS + 1
            position += 1
        elif character == "[":
            position = _end_of_set(pattern, position)
        elif character == "(":
            if pattern[position + 1 : position + 2] == "?":
                if pattern[position + 2 : position + 3] != ":":
                    return MAX_PATHS + 1
                position += 2
            alternatives.append(1)
        elif character == "|":
            alternatives[-1] += 1
        elif character == ")":
            is_group = True
            paths *= alternatives.pop() if len(alternatives) > 1 else 1
        elif character == "?":
            paths *= 2
        elif character in "*+" or (
            character == "{" and _REPETITION.match(pattern, position) is not None
        ):
            if was_group:
                return MAX_PATHS + 1
            repeats += 1
        position += 1
    return paths * sum(alternatives) * comb(MATCHED_LENGTH + repeats, repeats)


def _end_of_set(pattern: str, position: int) -> int:
    """Return where the set of characters ends that begins at a position."""
    position += 2 if pattern[position + 1 : position + 2] == "^" else 1
    # A bracket that closes nothing is a character of the set.
    position += pattern[position : position + 1] == "]"
    while position < len(pattern) and pattern[position] != "]":
        position += 2 if pattern[position] == "\\" else 1
    return position


def _is_line(text: str, most: int) -> bool:
    return 1 <= len(text) <= most and text.isprintable() and text == text.strip()
