"""What firmwares were seen to do, as text for people and programs (YAML)."""

from collections.abc import Iterable, Iterator
from datetime import datetime

from .proofs import Fact, Firmware, FirmwareProof


def write_proofs(proofs: Iterable[FirmwareProof], at: datetime) -> str:
    """Return all that was seen, sorted by firmware; `at` is when it was asked for.

    Each entry holds for one vendor, model and firmware version, and names no charger, so that it
    can be shown to others.
    """
    lines = [
        "# What chargers were seen to do with a limit that nobody renews.",
        "# P0: nothing is proven. P1: they take a limit with an end. P2: it was seen to lapse.",
        "# P3: it was seen to lapse, and to outlast the loss of the link and a reboot.",
        "# caps: whether a limit of the whole charger was seen to cap others beside it.",
        "# cap: true where the limit that was seen to outlast something was such a cap.",
        f"exported_at: {_text(at.isoformat(timespec='seconds'))}",
    ]
    known = sorted(proofs, key=lambda proof: _name(proof.firmware))
    lines.append("firmwares:" if known else "firmwares: []")
    for proof in known:
        lines.extend(_entry(proof))
    return "\n".join((*lines, ""))


def _entry(proof: FirmwareProof) -> Iterator[str]:
    vendor, model, version = _name(proof.firmware)
    yield f"  - vendor: {_text(vendor)}"
    yield f"    model: {_text(model)}"
    yield f"    firmware: {_text(version)}"
    yield f"    level: P{int(proof.level)}"
    for fact in Fact:
        finding = proof.findings.get(fact)
        if finding is None:
            yield f"    {fact.value}: null"
            continue
        yield f"    {fact.value}:"
        yield f"      holds: {'true' if finding.holds else 'false'}"
        yield f"      seen_by: {finding.seen_by.value}"
        if finding.lease is not None:
            yield f"      lease: {_text(finding.lease)}"
        if finding.cap:
            yield "      cap: true"
        yield f"      seen_at: {_text(finding.seen_at.isoformat(timespec='seconds'))}"


def _name(firmware: Firmware) -> tuple[str, str, str]:
    return firmware.vendor, firmware.model, firmware.version


def _text(value: str) -> str:
    # A charger may call itself anything.
    escaped = value.replace("\\", "\\\\").replace('"', '\\"')
    return f'"{"".join(it if it.isprintable() else f"\\U{ord(it):08x}" for it in escaped)}"'
