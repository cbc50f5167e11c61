"""What hassfest and HACS's action refuse, found without them and without a network."""

import ast
import json
import re
import string
import struct
import tomllib
from collections.abc import Iterator, Mapping
from pathlib import Path
from typing import Any

import pytest
import voluptuous as vol
from awesomeversion import AwesomeVersion, AwesomeVersionStrategy
from homeassistant.const import Platform
from homeassistant.helpers import config_validation as cv
from homeassistant.helpers.selector import validate_selector
from homeassistant.util.yaml import load_yaml_dict

from custom_components.balanz.const import DOMAIN
from tests.ha.pages import fields_of_action

REPOSITORY = Path(__file__).parents[2]
FOLDER = REPOSITORY / "custom_components" / DOMAIN
MANIFEST: dict[str, Any] = json.loads((FOLDER / "manifest.json").read_text())
HACS: dict[str, Any] = json.loads((REPOSITORY / "hacs.json").read_text())
PROJECT: dict[str, Any] = tomllib.loads((REPOSITORY / "pyproject.toml").read_text())
TRANSLATIONS = {
    path.stem: json.loads(path.read_text(encoding="utf-8"))
    for path in sorted((FOLDER / "translations").glob("*.json"))
}
ICONS: dict[str, Any] = json.loads((FOLDER / "icons.json").read_text())
SERVICES: dict[str, Any] = load_yaml_dict(str(FOLDER / "services.yaml"))

SLUG = vol.Match(r"^(?!.*[_-]{2})[a-z0-9]([a-z0-9_-]*[a-z0-9])?$")
WEB_ADDRESS = re.compile(
    r"(?i)(?:(?:ftps?|scp|https?|mqtts?|socket|socks5)://|www\.)[a-z0-9.-]+\.[a-z]{2,5}"
)


# Texts


def text(value: Any) -> str:
    """Return a text as users may see it. Raises vol.Invalid."""
    checked: str = cv.string_with_no_html(value)
    if not checked or checked != checked.strip():
        raise vol.Invalid("blanks around a text, or nothing in it")
    if WEB_ADDRESS.search(checked):
        raise vol.Invalid("a web address, which has to be a placeholder")
    if re.search(r"'\{\w+\}'|\[%|%\]", checked):
        raise vol.Invalid("a placeholder in single quotes, or a reference")
    for name in placeholders(checked):
        if not name.isidentifier():
            raise vol.Invalid(f"a placeholder with the name {name}")
    return checked


def plain(value: Any) -> str:
    """Return a text that nothing is put into. Raises vol.Invalid."""
    checked = text(value)
    if any(placeholders(checked)):
        raise vol.Invalid("a placeholder where nothing is filled in")
    return checked


def placeholders(value: str) -> Iterator[str]:
    for _, name, _, _ in string.Formatter().parse(value):
        if name is not None:
            yield name


def by_key(shape: Any) -> dict[Any, Any]:
    return {SLUG: shape}


FIELDS: dict[Any, Any] = {
    vol.Optional("data"): by_key(text),
    vol.Optional("data_description"): by_key(text),
}
SECTION = {vol.Optional("name"): text, vol.Optional("description"): text, **FIELDS}
STEP: dict[Any, Any] = {
    vol.Optional("title"): text,
    vol.Optional("description"): text,
    vol.Optional("menu_options"): by_key(text),
    vol.Optional("menu_option_descriptions"): by_key(text),
    vol.Optional("submit"): text,
    vol.Optional("sections"): by_key(SECTION),
    **FIELDS,
}
FLOW: dict[Any, Any] = {
    vol.Required("step"): by_key(STEP),
    **{vol.Optional(name): by_key(text) for name in ("error", "abort", "progress", "create_entry")},
}
STARTED_BY_USERS: dict[Any, Any] = {vol.Optional("initiate_flow"): by_key(text)}
ENTITY = {
    vol.Optional("name"): text,
    vol.Optional("unit_of_measurement"): plain,
    vol.Optional("state"): by_key(plain),
    vol.Optional("state_attributes"): by_key(
        {vol.Optional("name"): plain, vol.Optional("state"): by_key(plain)}
    ),
}
NAMED: dict[Any, Any] = {vol.Required("name"): text, vol.Required("description"): text}
WITH_FIELDS = {
    **NAMED,
    vol.Optional("fields"): by_key({**NAMED, vol.Optional("example"): text}),
    vol.Optional("sections"): by_key(
        {vol.Required("name"): text, vol.Optional("description"): text}
    ),
}
ISSUE = vol.Any(
    {vol.Required("title"): text, vol.Required("description"): text},
    {vol.Required("title"): text, vol.Required("fix_flow"): FLOW},
)
TEXTS = vol.Schema(
    {
        vol.Optional("title"): text,
        vol.Optional("config"): {vol.Optional("flow_title"): text, **STARTED_BY_USERS, **FLOW},
        vol.Optional("options"): {**STARTED_BY_USERS, **FLOW},
        vol.Optional("config_subentries"): by_key(
            {
                vol.Required("entry_type"): text,
                vol.Required("initiate_flow"): {vol.Required("user"): text, SLUG: text},
                **FLOW,
            }
        ),
        vol.Optional("selector"): by_key(
            {
                vol.Optional("options"): by_key(text),
                vol.Optional("choices"): by_key(text),
                vol.Optional("unit_of_measurement"): by_key(text),
                vol.Optional("fields"): by_key(NAMED),
            }
        ),
        vol.Optional("device"): by_key({vol.Optional("name"): text}),
        vol.Optional("entity"): {vol.In([*Platform]): by_key(ENTITY)},
        vol.Optional("exceptions"): by_key({vol.Required("message"): text}),
        vol.Optional("issues"): by_key(ISSUE),
        vol.Optional("services"): by_key(WITH_FIELDS),
        vol.Optional("triggers"): by_key(WITH_FIELDS),
        vol.Optional("conditions"): by_key(WITH_FIELDS),
        vol.Optional("system_health"): {vol.Optional("info"): by_key(text)},
        vol.Optional("common"): by_key(text),
    }
)


@pytest.mark.parametrize("language", TRANSLATIONS)
def test_the_texts_have_the_structure_that_home_assistant_reads(language: str) -> None:
    TEXTS(TRANSLATIONS[language])


@pytest.mark.parametrize(
    "value",
    [
        "Blank at the end ",
        "See https://example.org",
        "It is called '{name}'",
        "[%key:common::config_flow::data::host%]",
        "<b>Bold</b>",
        "{not valid}",
        "",
    ],
)
def test_a_text_that_hassfest_refuses_is_refused_here(value: str) -> None:
    with pytest.raises(vol.Invalid):
        text(value)


def test_each_description_of_a_field_has_its_field() -> None:
    def left_over(path: str, value: Mapping[str, Any]) -> Iterator[str]:
        for name in set(value.get("data_description", ())) - set(value.get("data", ())):
            yield f"{path}.{name}"
        for key, inner in value.items():
            if isinstance(inner, dict):
                yield from left_over(f"{path}.{key}", inner)

    assert list(left_over("", TRANSLATIONS["en"])) == []


def test_there_are_no_texts_where_only_the_integrations_of_home_assistant_itself_have_them() -> (
    None
):
    assert not (FOLDER / "strings.json").exists()


# Icons

ICON = vol.Match(r"^mdi:[a-z0-9]+(-[a-z0-9]+)*$")
STATE_ICONS = {
    vol.Optional("default"): ICON,
    vol.Optional("state"): by_key(ICON),
    vol.Optional("range"): {vol.Match(r"^\d+$"): ICON},
}
ICON_FILE = vol.Schema(
    {
        vol.Optional("entity"): {
            vol.In([*Platform]): by_key(
                {**STATE_ICONS, vol.Optional("state_attributes"): by_key(STATE_ICONS)}
            )
        },
        vol.Optional("services"): by_key(
            {vol.Required("service"): ICON, vol.Optional("sections"): by_key(ICON)}
        ),
        vol.Optional("triggers"): by_key({vol.Required("trigger"): ICON}),
        vol.Optional("conditions"): by_key({vol.Required("condition"): ICON}),
    }
)


def test_the_icons_have_the_structure_that_home_assistant_reads() -> None:
    ICON_FILE(ICONS)


def test_no_icon_of_a_state_says_the_same_as_the_one_without() -> None:
    repeated = {
        f"{platform}.{key}.{state}"
        for platform, entities in ICONS["entity"].items()
        for key, icons in entities.items()
        for state, icon in icons.get("state", {}).items()
        if icon == icons.get("default")
    }

    assert repeated == set()


# Actions

ACTION_FIELD = vol.Schema(
    {
        vol.Optional("required"): bool,
        vol.Optional("default"): object,
        vol.Optional("example"): object,
        vol.Optional("advanced"): bool,
        vol.Required("selector"): validate_selector,
    }
)
ACTION = vol.Schema(
    {
        vol.Optional("target"): dict,
        vol.Optional("fields"): {
            SLUG: vol.Any(
                ACTION_FIELD,
                {vol.Optional("collapsed"): bool, vol.Required("fields"): {SLUG: ACTION_FIELD}},
            )
        },
    }
)


@pytest.mark.parametrize("name", SERVICES)
def test_an_action_has_the_structure_that_home_assistant_reads(name: str) -> None:
    """Its texts are in the translations, and none in services.yaml."""
    ACTION(SERVICES[name])


@pytest.mark.parametrize("language", TRANSLATIONS)
def test_an_action_that_users_see_is_told_in_each_language(language: str) -> None:
    told = TRANSLATIONS[language]["services"]

    assert set(told) == set(SERVICES)
    for name, action in SERVICES.items():
        assert set(told[name].get("fields", {})) == set(dict(fields_of_action(action)))


# The manifest

REQUIREMENT = vol.Match(
    r"^[A-Za-z0-9._-]+(\[[a-z0-9,]+\])?((==|>=|<|<=|~=|!=)[0-9][\w.,<>=!~*]*)?$"
)
MANIFEST_SHAPE = vol.Schema(
    {
        vol.Required("domain"): vol.Match(r"^[a-z0-9_]+$"),
        vol.Required("name"): str,
        vol.Optional("after_dependencies"): [str],
        vol.Required("codeowners"): vol.All([vol.Match(r"^@[\w/-]+$")], vol.Length(min=1)),
        vol.Required("config_flow"): bool,
        vol.Optional("dependencies"): [str],
        vol.Required("documentation"): vol.Match(r"^https://"),
        vol.Required("integration_type"): vol.In(["device", "hub", "service"]),
        vol.Required("iot_class"): vol.Match(
            r"^(assumed_state|calculated|(cloud|local)_(polling|push))$"
        ),
        vol.Required("issue_tracker"): vol.Match(r"^https://"),
        vol.Optional("loggers"): [str],
        vol.Optional("requirements"): [REQUIREMENT],
        vol.Required("version"): str,
    }
)


def test_the_manifest_has_the_keys_that_are_asked_for_and_no_others() -> None:
    MANIFEST_SHAPE(MANIFEST)


def test_the_manifest_is_sorted_after_domain_and_name() -> None:
    assert list(MANIFEST) == ["domain", "name", *sorted(MANIFEST.keys() - {"domain", "name"})]


def test_the_folder_has_the_name_of_the_domain() -> None:
    assert MANIFEST["domain"] == FOLDER.name == DOMAIN


def test_the_version_can_be_compared_and_is_that_of_the_project() -> None:
    version = AwesomeVersion(MANIFEST["version"], ensure_strategy=AwesomeVersionStrategy.SEMVER)

    assert str(version) == PROJECT["project"]["version"]


def test_what_home_assistant_installs_is_what_was_developed_with() -> None:
    def names(requirements: list[str]) -> set[str]:
        return {re.split(r"[<>=!~\[]", requirement)[0] for requirement in requirements}

    developed_with = PROJECT["dependency-groups"]["integration"]
    assert names(MANIFEST["requirements"]) == names(developed_with)


def test_no_requirement_keeps_other_integrations_from_their_version() -> None:
    """All integrations share one environment: whoever pins a version takes it from the others."""
    assert [
        one for one in MANIFEST["requirements"] if not re.fullmatch(r"[\w-]+>=[\d.]+", one)
    ] == []


def test_each_logger_that_can_be_silenced_is_one_of_a_requirement() -> None:
    required = {re.split(r"[<>=]", one)[0] for one in MANIFEST["requirements"]}

    assert set(MANIFEST["loggers"]) <= {name.replace("-", "_") for name in required}


ALWAYS_THERE = {
    *Platform,
    *("diagnostics", "frontend", "homeassistant", "input_boolean", "person"),
    *("persistent_notification", "repairs", "system_health", "websocket_api"),
}
"""Integrations that may be imported without being a dependency."""


def test_each_integration_that_is_imported_is_a_dependency() -> None:
    named = {*MANIFEST.get("dependencies", ()), *MANIFEST.get("after_dependencies", ())}
    imported: set[str] = set()
    for path in FOLDER.glob("*.py"):
        for node in ast.walk(ast.parse(path.read_text(encoding="utf-8"))):
            if isinstance(node, ast.ImportFrom) and (node.module or "").startswith(
                "homeassistant.components"
            ):
                module = str(node.module)
                parts = module.split(".")
                imported |= {parts[2]} if len(parts) > 2 else {one.name for one in node.names}

    assert imported - ALWAYS_THERE - named == set()


def test_one_site_may_be_set_up_beside_another() -> None:
    """An integration with a single entry cannot discover the chargers that dial in to it."""
    assert "single_config_entry" not in MANIFEST


# HACS


def test_hacs_json_has_only_what_hacs_reads() -> None:
    vol.Schema(
        {
            vol.Required("name"): str,
            vol.Optional("content_in_root"): bool,
            vol.Optional("filename"): str,
            vol.Optional("hide_default_branch"): bool,
            vol.Optional("homeassistant"): vol.Match(r"^\d{4}\.\d{1,2}\.\d+$"),
            vol.Optional("persistent_directory"): str,
            vol.Optional("zip_release"): bool,
        }
    )(HACS)


def test_hacs_finds_one_integration_a_readme_and_a_licence() -> None:
    folders = {path.parent.name for path in REPOSITORY.glob("custom_components/*/manifest.json")}

    assert folders == {DOMAIN}
    assert (REPOSITORY / "README.md").stat().st_size
    assert (REPOSITORY / "LICENSE").stat().st_size


# Brand images

BRAND = {path.name: path for path in (FOLDER / "brand").iterdir()}
PNG = b"\x89PNG\r\n\x1a\n"


def size_of(path: Path) -> tuple[int, int]:
    head = path.read_bytes()[:24]
    assert head.startswith(PNG)
    width, height = struct.unpack(">II", head[16:])
    return width, height


def test_there_is_an_icon_and_no_image_that_nobody_asks_for() -> None:
    known = {
        f"{dark}{kind}{double}.png"
        for dark in ("", "dark_")
        for kind in ("icon", "logo")
        for double in ("", "@2x")
    }

    assert "icon.png" in BRAND
    assert set(BRAND) <= known


@pytest.mark.parametrize("name", BRAND)
def test_an_image_has_the_size_that_is_asked_for(name: str) -> None:
    width, height = size_of(BRAND[name])

    scale = 2 if "@2x" in name else 1
    if "icon" in name:
        assert (width, height) == (256 * scale, 256 * scale)
    else:
        assert 128 * scale <= min(width, height) <= 256 * scale


def test_each_doubled_image_is_twice_its_single_one() -> None:
    for name, path in BRAND.items():
        if "@2x" in name:
            width, height = size_of(BRAND[name.replace("@2x", "")])
            assert size_of(path) == (2 * width, 2 * height)
