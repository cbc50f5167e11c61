"""Writes docs/settings.md and docs/actions.md from the texts: `python -m tests.ha.pages`."""

import json
from collections.abc import Iterator, Mapping
from pathlib import Path
from typing import Any

from homeassistant.util.yaml import load_yaml_dict

from custom_components.balanz import config_flow
from custom_components.balanz.flows.group_form import EXAMPLES

FOLDER = Path(config_flow.__file__).parent
DOCS = FOLDER.parents[1] / "docs"
EN: dict[str, Any] = json.loads((FOLDER / "translations/en.json").read_text(encoding="utf-8"))
SERVICES: dict[str, Any] = load_yaml_dict(str(FOLDER / "services.yaml"))

SETTINGS = """\
# Settings

Every form of balanz with every one of its fields, in the words of the forms themselves. The \
README leads through the first of them. `python -m tests.ha.pages` writes this page.

![The form of a charger, with an error at a field](form.png)
"""
ACTIONS = """\
# Actions

Every action of balanz with every one of its fields, in the words of *Developer tools > Actions*. \
What lies behind them is told in [automations](automations.md), [OCPP 1.6](ocpp16.md), \
[tags](tags.md), [security](security.md) and [safety](safety.md). `python -m tests.ha.pages` \
writes this page.
"""
FORMS: tuple[tuple[str, tuple[str, ...], tuple[str, ...]], ...] = (
    ("The site", ("config",), ("user",)),
    ("What measures a site or a group", ("config",), ("supply_",)),
    ("A group", ("config_subentries", "group"), ("user",)),
    ("A charger", ("config_subentries", "charger"), ("user", "reconfigure", "password")),
    ("Options of the site", ("options",), ("",)),
)
"""The chapters: their heading, where their steps are, and how the names of those begin."""


def settings_page() -> str:
    """Return docs/settings.md."""
    return "\n".join([SETTINGS, *_chapters()])


def actions_page() -> str:
    """Return docs/actions.md."""
    return "\n".join([ACTIONS, *_actions()])


def _chapters() -> Iterator[str]:
    for heading, path, beginnings in FORMS:
        where = EN
        for key in path:
            where = where[key]
        yield f"## {heading}\n"
        seen: set[tuple[str, str]] = set()
        for beginning in beginnings:
            for name, step in where["step"].items():
                if name.startswith(beginning):
                    yield from _form(step, seen)


def _form(step: Mapping[str, Any], seen: set[tuple[str, str]]) -> Iterator[str]:
    """Yield the table of a form, without the fields that the chapter has told of already."""
    rows: list[str] = []
    for section, fields in (("", step), *step.get("sections", {}).items()):
        place = f"*{fields['name']}.* " if section else ""
        for key, label in fields.get("data", {}).items():
            if (section, key) not in seen:
                seen.add((section, key))
                rows.append(_row(label, place + fields["data_description"][key]))
    if rows:
        yield f"### {step['title'].replace('{identity}', 'a charger').replace('{id}', 'a tag')}\n"
        yield "\n".join(["| field | meaning |", "|---|---|", *rows]) + "\n"


def _actions() -> Iterator[str]:
    for name in sorted(EN["services"]):
        texts, fields = EN["services"][name], dict(fields_of_action(SERVICES[name]))
        yield f"## {texts['name']}\n\n`balanz.{name}`: {_filled(texts['description'])}\n"
        if fields:
            rows = [
                _row(
                    f"`{key}`",
                    texts["fields"][key]["description"],
                    "yes" if field.get("required") else "",
                )
                for key, field in fields.items()
            ]
            yield "\n".join(["| field | needed | meaning |", "|---|---|---|", *rows]) + "\n"


def fields_of_action(action: Mapping[str, Any]) -> Iterator[tuple[str, Mapping[str, Any]]]:
    """Yield the fields of an action by their names, those inside of sections too."""
    for key, field in action.get("fields", {}).items():
        if "fields" in field:
            yield from fields_of_action(field)
        else:
            yield key, field


def _row(name: str, meaning: str, *between: str) -> str:
    return f"| {' | '.join([name, *between, _filled(meaning).replace('\n\n', ' ')])} |"


def _filled(meaning: str) -> str:
    for name, example in EXAMPLES.items():
        meaning = meaning.replace(f"{{{name}}}", example)
    return meaning.replace("|", "\\|")


if __name__ == "__main__":
    (DOCS / "settings.md").write_text(settings_page(), encoding="utf-8")
    (DOCS / "actions.md").write_text(actions_page(), encoding="utf-8")
