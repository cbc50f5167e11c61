"""What quality_scale.yaml claims is so, as far as code can see."""

import ast
import json
import re
from collections.abc import Iterator
from functools import cache
from pathlib import Path
from typing import Any

import pytest
from homeassistant.components.sensor import SensorDeviceClass
from homeassistant.const import EntityCategory, Platform
from homeassistant.core import HomeAssistant
from homeassistant.helpers import device_registry as dr
from homeassistant.helpers import entity_registry as er
from homeassistant.helpers.entity_platform import async_get_platforms
from homeassistant.util.yaml import load_yaml_dict

from custom_components.balanz.const import DOMAIN, PLATFORMS
from tests.ha import pages
from tests.ha.build import CURRENT_SENSORS, charger, group, set_up, site_entry

REPOSITORY = Path(__file__).parents[2]
FOLDER = REPOSITORY / "custom_components" / DOMAIN
TIERS = {
    "bronze": (
        "action-setup",
        "appropriate-polling",
        "brands",
        "common-modules",
        "config-flow",
        "config-flow-test-coverage",
        "dependency-transparency",
        "docs-actions",
        "docs-conditions",
        "docs-high-level-description",
        "docs-installation-instructions",
        "docs-removal-instructions",
        "docs-triggers",
        "entity-event-setup",
        "entity-unique-id",
        "has-entity-name",
        "runtime-data",
        "test-before-configure",
        "test-before-setup",
        "unique-config-entry",
    ),
    "silver": (
        "action-exceptions",
        "config-entry-unloading",
        "docs-configuration-parameters",
        "docs-installation-parameters",
        "entity-unavailable",
        "integration-owner",
        "log-when-unavailable",
        "parallel-updates",
        "reauthentication-flow",
        "test-coverage",
    ),
    "gold": (
        "devices",
        "diagnostics",
        "discovery",
        "discovery-update-info",
        "docs-data-update",
        "docs-examples",
        "docs-known-limitations",
        "docs-supported-devices",
        "docs-supported-functions",
        "docs-troubleshooting",
        "docs-use-cases",
        "dynamic-devices",
        "entity-category",
        "entity-device-class",
        "entity-disabled-by-default",
        "entity-translations",
        "exception-translations",
        "icon-translations",
        "reconfiguration-flow",
        "repair-issues",
        "stale-devices",
    ),
    "platinum": ("async-dependency", "inject-websession", "strict-typing"),
}
RULES: dict[str, Any] = load_yaml_dict(str(FOLDER / "quality_scale.yaml"))["rules"]
EN: dict[str, Any] = json.loads((FOLDER / "translations/en.json").read_text(encoding="utf-8"))
ICONS: dict[str, Any] = json.loads((FOLDER / "icons.json").read_text())
SOURCES = {
    path.relative_to(FOLDER).as_posix(): path.read_text(encoding="utf-8")
    for pattern in ("*.py", "actions/*.py", "flows/*.py")
    for path in FOLDER.glob(pattern)
}
TREES = {name: ast.parse(source) for name, source in SOURCES.items()}


@cache
def page(name: str) -> str:
    return (REPOSITORY / name).read_text(encoding="utf-8")


def functions(name: str) -> dict[str, ast.AsyncFunctionDef | ast.FunctionDef]:
    return {
        node.name: node
        for node in ast.walk(TREES[name])
        if isinstance(node, ast.AsyncFunctionDef | ast.FunctionDef)
    }


def calls_in(tree: ast.AST) -> Iterator[ast.Call]:
    return (node for node in ast.walk(tree) if isinstance(node, ast.Call))


def name_of(call: ast.Call) -> str:
    return ast.unparse(call.func).rpartition(".")[2]


def test_each_rule_of_the_scale_is_told_of_in_its_order_and_exempt_only_with_a_reason() -> None:
    assert list(RULES) == [rule for tier in TIERS.values() for rule in tier]
    for rule in RULES.values():
        assert rule == "done" or (rule["status"] in ("done", "exempt") and rule["comment"])


# Bronze


def test_action_setup() -> None:
    """Actions are there without a site too, and tell then that none runs."""
    setup = functions("__init__.py")

    assert "async_setup_services" in {name_of(call) for call in calls_in(setup["async_setup"])}
    of_entry = {name_of(call) for call in calls_in(setup["async_setup_entry"])}
    assert not {name for name in of_entry if "service" in name or "register" in name}


async def test_appropriate_polling(
    hass: HomeAssistant, port: int, all_entities_enabled: None
) -> None:
    await a_site_with_all_entities(hass, port)
    entities = [
        entity
        for platform in async_get_platforms(hass, DOMAIN)
        for entity in platform.entities.values()
    ]

    assert entities
    assert [entity.entity_id for entity in entities if entity.should_poll] == []
    assert not any("DataUpdateCoordinator" in source for source in SOURCES.values())


def test_common_modules() -> None:
    assert {"coordinator.py", "entity.py"} <= set(SOURCES)


@pytest.mark.parametrize("name", [*pages.SERVICES])
def test_docs_actions(name: str) -> None:
    """Whoever adds an action runs `python -m tests.ha.pages`."""
    chapter = page("docs/actions.md").partition(f"`balanz.{name}`: ")[2].partition("\n## ")[0]

    told = set(re.findall(r"^\| `(\w+)` \|", chapter, re.MULTILINE))
    assert told == set(dict(pages.fields_of_action(pages.SERVICES[name])))


def test_docs_of_settings_and_actions_are_what_the_texts_say() -> None:
    """Whoever changes a text of a form or of an action runs `python -m tests.ha.pages`."""
    assert page("docs/settings.md") == pages.settings_page()
    assert page("docs/actions.md") == pages.actions_page()


def test_docs_triggers_and_conditions() -> None:
    for name in ("trigger", "condition"):
        is_exempt = RULES[f"docs-{name}s"] != "done"
        assert is_exempt == (f"{name}.py" not in SOURCES)


CHAPTERS = {
    "docs-high-level-description": ("README.md", "# balanz"),
    "docs-installation-instructions": ("README.md", "## Install"),
    "docs-removal-instructions": ("README.md", "## Remove"),
    "docs-configuration-parameters": ("docs/settings.md", "## Options of the site"),
    "docs-installation-parameters": ("docs/settings.md", "## The site"),
    "docs-data-update": ("docs/entities.md", "## How often they change"),
    "docs-examples": ("README.md", "## An automation"),
    "docs-known-limitations": ("docs/safety.md", "## What it cannot do"),
    "docs-supported-devices": ("README.md", "## Chargers that fit"),
    "docs-supported-functions": ("docs/entities.md", "## Chargers"),
    "docs-troubleshooting": ("docs/troubleshooting.md", "# Troubleshooting"),
    "docs-use-cases": ("docs/use_cases.md", "# What people use it for"),
}


@pytest.mark.parametrize("rule", CHAPTERS)
def test_each_rule_about_the_documentation_has_its_chapter(rule: str) -> None:
    name, heading = CHAPTERS[rule]
    level = heading.partition(" ")[0]

    chapter = page(name).partition(f"{heading}\n")[2].partition(f"\n{level} ")[0]
    assert len(chapter.split()) > 20


def test_each_page_of_the_documentation_leads_somewhere() -> None:
    """Links between pages, and to chapters of them, that are not there are dead ends."""
    dead: list[str] = []
    for path in (REPOSITORY / "README.md", *(REPOSITORY / "docs").glob("*.md")):
        for target in re.findall(r"\]\(([^)\s]+)\)", path.read_text(encoding="utf-8")):
            if "://" not in target:
                name, _, chapter = target.partition("#")
                other = path if not name else path.parent / name
                if not other.exists() or (chapter and chapter not in anchors(other)):
                    dead.append(f"{path.name}: {target}")

    assert dead == []


def anchors(path: Path) -> set[str]:
    headings = re.findall(r"^#+ (.+)$", path.read_text(encoding="utf-8"), re.MULTILINE)
    return {re.sub(r"[^\w\- ]", "", heading.casefold()).replace(" ", "-") for heading in headings}


def test_entity_event_setup() -> None:
    """What an entity subscribes to ends with it: it does so once added, and not before."""
    for platform in PLATFORMS:
        for node in ast.walk(TREES[f"{platform}.py"]):
            if isinstance(node, ast.FunctionDef) and node.name == "__init__":
                called = {name_of(call) for call in calls_in(node)}
                assert not called & {"subscribe", "async_listen", "track_entity"}, platform


async def a_site_with_all_entities(hass: HomeAssistant, port: int) -> list[er.RegistryEntry]:
    entry = site_entry(
        port,
        group("g1", supply=CURRENT_SENSORS),
        charger("ONE", name="One"),
        charger("TWO", name="Two", connectors=2, group="g1"),
    )
    await set_up(hass, entry)
    return er.async_entries_for_config_entry(er.async_get(hass), entry.entry_id)


async def test_entity_unique_id(hass: HomeAssistant, port: int, all_entities_enabled: None) -> None:
    """No part of it is a name, which users change."""
    entities = await a_site_with_all_entities(hass, port)

    assert len(entities) == len(hass.states.async_entity_ids())
    for entity in entities:
        assert not re.search(r"One|Two|Garage|Home", entity.unique_id)


async def test_has_entity_name(hass: HomeAssistant, port: int, all_entities_enabled: None) -> None:
    entities = await a_site_with_all_entities(hass, port)

    assert [entity.entity_id for entity in entities if not entity.has_entity_name] == []


def test_runtime_data() -> None:
    for name, source in SOURCES.items():
        assert "hass.data[" not in source, name
    setup = ast.unparse(functions("__init__.py")["async_setup_entry"])
    assert "entry.runtime_data = coordinator" in setup


# Silver


@pytest.mark.parametrize("platform", PLATFORMS)
def test_parallel_updates(platform: Platform) -> None:
    """0 also where something is sent: the line to each charger keeps its own order."""
    assert "\nPARALLEL_UPDATES = 0\n" in SOURCES[f"{platform}.py"]


def test_each_platform_is_set_up_and_no_other_is_there() -> None:
    assert {name for name in SOURCES if name.removesuffix(".py") in [*Platform]} == {
        f"{platform}.py" for platform in PLATFORMS
    }


def test_integration_owner() -> None:
    assert json.loads((FOLDER / "manifest.json").read_text())["codeowners"]


# Gold


async def test_devices(hass: HomeAssistant, port: int) -> None:
    """Connectors are parts of their charger, and each device hangs in the one that feeds it."""
    await a_site_with_all_entities(hass, port)
    registry = dr.async_get(hass)
    devices = {
        device.name: device for device in dr.async_entries_for_config_entry(registry, "home")
    }

    assert devices["Garage"].via_device_id == devices["Home"].id
    assert devices["Two"].via_device_id == devices["Garage"].id
    assert devices["Garage"].entry_type is dr.DeviceEntryType.SERVICE
    parts = dr.async_entries_for_parent_device(registry, devices["Two"].id)
    assert len(parts) == 2


def test_diagnostics() -> None:
    told = functions("diagnostics.py")
    assert "async_get_config_entry_diagnostics" in told
    names = {node.id for node in ast.walk(told["_members"]) if isinstance(node, ast.Name)}
    assert {"REDACTED", "TO_REDACT"} <= names


def test_discovery() -> None:
    assert "async_step_integration_discovery" in functions("config_flow.py")


async def test_entity_category(hass: HomeAssistant, port: int, all_entities_enabled: None) -> None:
    """Whether a charger is there, and what proves that balanz can be trusted, is for diagnosis."""
    entities = await a_site_with_all_entities(hass, port)
    of = {entity.entity_id: entity.entity_category for entity in entities}

    assert of["binary_sensor.one_connected"] is EntityCategory.DIAGNOSTIC
    assert of["number.one_maximum_current"] is EntityCategory.CONFIG


async def test_entity_device_class(
    hass: HomeAssistant, port: int, all_entities_enabled: None
) -> None:
    """Whatever has a unit has a class too, so that units can be chosen and triggers are offered."""
    await a_site_with_all_entities(hass, port)
    states = hass.states.async_all()

    without = [
        state.entity_id
        for state in states
        if "unit_of_measurement" in state.attributes and "device_class" not in state.attributes
    ]
    assert without == []
    energy = next(state for state in states if state.entity_id == "sensor.one_energy")
    assert energy.attributes["device_class"] == SensorDeviceClass.ENERGY


async def test_entity_disabled_by_default(hass: HomeAssistant, port: int) -> None:
    """What a phase says for itself is for who looks into something."""
    entities = await a_site_with_all_entities(hass, port)
    disabled = {entity.entity_id for entity in entities if entity.disabled_by is not None}

    assert {"sensor.garage_available_l1", "sensor.home_booked_l3"} <= disabled


async def test_entity_translations(
    hass: HomeAssistant, port: int, all_entities_enabled: None
) -> None:
    """What has no text of its own has the name of its device class."""
    entities = await a_site_with_all_entities(hass, port)

    nameless = [
        entity.entity_id
        for entity in entities
        if entity.translation_key not in EN["entity"].get(entity.domain, {})
        and not (entity.translation_key is None and entity.original_device_class)
    ]
    assert nameless == []


HOME_ASSISTANT_ERRORS = {
    *("ConfigEntryError", "ConfigEntryNotReady", "ConfigEntryAuthFailed"),
    *("HomeAssistantError", "ServiceValidationError"),
}


def test_exception_translations() -> None:
    raised = [
        call
        for tree in TREES.values()
        for call in calls_in(tree)
        if name_of(call) in HOME_ASSISTANT_ERRORS
    ]

    assert raised
    for call in raised:
        keywords = {keyword.arg for keyword in call.keywords}
        assert {"translation_domain", "translation_key"} <= keywords, ast.unparse(call)
        assert not call.args


async def test_icon_translations(
    hass: HomeAssistant, port: int, all_entities_enabled: None
) -> None:
    """An entity has an icon of its own, or that of its device class."""
    entities = await a_site_with_all_entities(hass, port)

    bare = [
        entity.entity_id
        for entity in entities
        if entity.original_device_class is None
        and entity.translation_key not in ICONS["entity"].get(entity.domain, {})
    ]
    assert bare == []


def test_reconfiguration_flow() -> None:
    """The site, its groups and its chargers."""
    assert "async_step_reconfigure" in functions("config_flow.py")
    flows = [
        node for node in ast.walk(TREES["flows/subentry_flow.py"]) if isinstance(node, ast.ClassDef)
    ]
    for flow in flows:
        assert "async_step_reconfigure" in {
            node.name for node in flow.body if isinstance(node, ast.AsyncFunctionDef)
        }


def test_repair_issues() -> None:
    assert "async_create_fix_flow" in functions("repairs.py")
    assert "async_create_issue" in {name_of(call) for call in calls_in(TREES["issues.py"])}


# Platinum


def test_async_dependency_and_inject_websession() -> None:
    """Nothing that waits for the network by blocking, and no HTTP client."""
    blocking = {"requests", "urllib.request", "http.client", "httpx", "aiohttp"}
    for path in FOLDER.rglob("*.py"):
        for node in ast.walk(ast.parse(path.read_text(encoding="utf-8"))):
            names = {one.name for one in node.names} if isinstance(node, ast.Import) else set()
            if isinstance(node, ast.ImportFrom) and node.level == 0:
                names.add(node.module or "")
            assert not names & blocking, path


def test_strict_typing() -> None:
    assert (FOLDER / "py.typed").exists()
    assert "strict = true" in page("pyproject.toml")
    ignored = [
        path.name
        for path in FOLDER.rglob("*.py")
        if re.search(r"#\s*type:\s*ignore(?!\[)", path.read_text(encoding="utf-8"))
    ]
    assert ignored == []
