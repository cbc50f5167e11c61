"""Imports go down only: home assistant floor, site, {csms, balancing, storage}, nothing."""

import ast
import sys
from collections.abc import Iterator
from pathlib import Path

import pytest

REPOSITORY = Path(__file__).parent.parent
PACKAGE = "custom_components.balanz"
FREE_OF_HOME_ASSISTANT = ("settings", "snapshot", "site", "csms", "storage", "balancing")
IMPURE = {
    "asyncio",
    "datetime",
    "logging",
    "os",
    "pathlib",
    "random",
    "socket",
    "threading",
    "time",
}
CALENDAR = {"balancing.schedule", "balancing.schedule_text"}
"""Days and weeks need dates; an instant is handed in all the same."""
CLOCKS = {"now", "utcnow", "today"}
VALUES_OF_BALANCING = {"balancing.phases", "balancing.model"}


def imports(path: Path, module: str) -> Iterator[str]:
    """Yield the full names of all modules that a file imports, wherever in the file."""
    package = module if path.name == "__init__.py" else module.rpartition(".")[0]
    for node in ast.walk(ast.parse(path.read_text(encoding="utf-8"))):
        if isinstance(node, ast.Import):
            yield from (alias.name for alias in node.names)
        elif isinstance(node, ast.ImportFrom):
            base = node.module or ""
            if node.level:
                parents = package.split(".")[: len(package.split(".")) - node.level + 1]
                base = ".".join((*parents, *filter(None, [node.module])))
            # "from .balancing import control" imports the module balancing.control.
            yield from (f"{base}.{alias.name}" for alias in node.names)


def modules(root: Path, package: str) -> dict[str, set[str]]:
    """Return what each module of a package imports."""
    found: dict[str, set[str]] = {}
    for path in sorted((root / package.replace(".", "/")).rglob("*.py")):
        parts = path.relative_to(root).with_suffix("").parts
        name = ".".join(parts[:-1] if parts[-1] == "__init__" else parts)
        found[name] = set(imports(path, name))
    return found


def breaches(found: dict[str, set[str]]) -> list[str]:
    """Return every import of the integration that goes where it must not."""
    return [
        f"{module} imports {imported}"
        for module, names in found.items()
        for imported in sorted(names)
        if not allowed(module.removeprefix(PACKAGE).lstrip("."), imported, found)
    ]


def allowed(importer: str, imported: str, found: dict[str, set[str]]) -> bool:
    """Return whether a module, named within the integration, may import something."""
    floor = importer.partition(".")[0]
    if not within(imported, PACKAGE):
        root = imported.partition(".")[0]
        if root in {"custom_components", "simulator", "tests"}:
            return False
        if floor == "balancing":
            pure = sys.stdlib_module_names - IMPURE
            return root in pure or (root == "datetime" and importer in CALENDAR)
        return root not in {"homeassistant", "voluptuous"} or floor not in below_home_assistant(
            found
        )
    target = imported.removeprefix(PACKAGE).lstrip(".")
    target_floor = target.partition(".")[0]
    if floor == "balancing":
        return target_floor == "balancing"
    if floor in {"csms", "storage"}:
        values = any(within(target, value) for value in VALUES_OF_BALANCING)
        return target_floor == floor or values or (floor == "csms" and target_floor == "storage")
    if floor in below_home_assistant(found):
        return target_floor in below_home_assistant(found)
    return True


def within(name: str, package: str) -> bool:
    """Return whether a name is a package or lies in it."""
    return name == package or name.startswith(f"{package}.")


def below_home_assistant(found: dict[str, set[str]]) -> set[str]:
    """Return the floors that must run without Home Assistant: site, and all that it imports."""
    floors = set(FREE_OF_HOME_ASSISTANT)
    while True:
        reached = {
            imported.removeprefix(f"{PACKAGE}.").partition(".")[0]
            for module, names in found.items()
            if module.removeprefix(f"{PACKAGE}.").partition(".")[0] in floors
            for imported in names
            if imported.startswith(f"{PACKAGE}.")
        }
        if reached <= floors:
            return floors
        floors |= reached


def test_imports_go_down_only() -> None:
    found = modules(REPOSITORY, PACKAGE)

    assert f"{PACKAGE}.balancing.control" in found
    assert breaches(found) == []


def test_no_schedule_looks_at_the_clock() -> None:
    for module in CALENDAR:
        path = REPOSITORY / f"{PACKAGE}.{module}".replace(".", "/")
        tree = ast.parse(path.with_suffix(".py").read_text(encoding="utf-8"))
        called = {node.attr for node in ast.walk(tree) if isinstance(node, ast.Attribute)}
        assert not called & CLOCKS


def test_the_simulator_is_built_on_nothing_of_the_integration() -> None:
    found = modules(REPOSITORY, "simulator")

    assert [
        (module, imported)
        for module, names in found.items()
        for imported in names
        if within(imported, "custom_components")
    ] == []


@pytest.mark.parametrize(
    ("module", "line"),
    [
        ("balancing/model.py", "import math, homeassistant.core"),
        ("balancing/model.py", "from time import monotonic"),
        ("balancing/model.py", "from ocpp import v16"),
        ("balancing/model.py", "from ..csms import events"),
        ("csms/rpc.py", "from homeassistant.core import HomeAssistant"),
        ("csms/rpc.py", "from ..balancing.control import step"),
        ("csms/rpc.py", "from ..balancing import control"),
        ("csms/rpc.py", "from .. import site"),
        ("storage/journal.py", "def late():\n    from homeassistant import core"),
        ("storage/journal.py", "from ..csms.events import BootInfo"),
        ("site.py", "from homeassistant.core import HomeAssistant"),
        ("site.py", "from .helper import something"),
        ("snapshot.py", "from . import sensor"),
        ("sensor.py", "from simulator.charger import SimulatedCharger"),
    ],
)
def test_a_breach_is_found(tmp_path: Path, module: str, line: str) -> None:
    package = tmp_path / PACKAGE.replace(".", "/")
    for name in ("sensor.py", "helper.py"):
        (package / name).parent.mkdir(parents=True, exist_ok=True)
        (package / name).write_text("import homeassistant.core\n")
    path = package / module
    path.parent.mkdir(exist_ok=True)
    path.write_text(f"{line}\n")

    found = modules(tmp_path, PACKAGE)

    assert breaches(found)


def test_what_is_allowed_is_no_breach(tmp_path: Path) -> None:
    package = tmp_path / PACKAGE.replace(".", "/")
    lines = {
        "balancing/control.py": "import math\nfrom .model import Site\nfrom . import model",
        "csms/rpc.py": "import ocpp\nfrom ..balancing.phases import Phase\nfrom .events import X",
        "site.py": "from .balancing.control import step\nfrom .csms import rpc",
        "sensor.py": "import homeassistant.core\nfrom .site import BalanzSite",
        "__init__.py": "from .site import BalanzSite",
    }
    for name, text in lines.items():
        (package / name).parent.mkdir(parents=True, exist_ok=True)
        (package / name).write_text(text)

    assert breaches(modules(tmp_path, PACKAGE)) == []
