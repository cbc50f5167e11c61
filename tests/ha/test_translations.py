"""Whatever users can see has its text in the translations and its icon."""

import ast
import json
import re
from collections import defaultdict
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest
import voluptuous as vol
from homeassistant.data_entry_flow import section
from homeassistant.helpers import selector
from homeassistant.util.yaml import load_yaml_dict

from custom_components.balanz import (
    binary_sensor,
    button,
    charger_events,
    charger_sensors,
    config_flow,
    datetime,
    event,
    group_sensors,
    number,
    security_event_entity,
    select,
    sensor,
    switch,
    update,
)
from custom_components.balanz.actions import csv_files
from custom_components.balanz.actions import firmware as firmware_actions
from custom_components.balanz.actions import tags as tag_actions
from custom_components.balanz.actions.allocation import GET_ALLOCATION
from custom_components.balanz.actions.balancing import BALANCING_ACTIONS
from custom_components.balanz.actions.keys import PROTECT_KEYS
from custom_components.balanz.actions.log import GET_LOG
from custom_components.balanz.actions.ocpp import OCPP_ACTIONS
from custom_components.balanz.actions.proofs import EXPORT_PROOFS
from custom_components.balanz.actions.security import SECURITY_ACTIONS
from custom_components.balanz.balancing.meter_watch import MeterStage
from custom_components.balanz.balancing.phases import ALL_PHASES
from custom_components.balanz.balancing.reasons import Rule
from custom_components.balanz.connector_sensors import (
    CONNECTOR_SENSORS,
    REPORTED_SENSORS,
    UPSTREAM_LIMIT,
)
from custom_components.balanz.csms.events import ConnectorStatus, TagOutcome
from custom_components.balanz.csms.quirk_table import QUIRK_ROWS
from custom_components.balanz.csms.reported_codes import ErrorCode, StopReason
from custom_components.balanz.flows import (
    charger_steps,
    firmware_options,
    forms,
    ocpp_balanz_steps,
    options_flow,
    subentry_flow,
    tag_options,
)
from custom_components.balanz.issues import (
    FIXABLE,
    GROUP_GONE,
    KEYS_LOCKED,
    SCHEDULE_UNREADABLE,
    SENSOR_MISSING,
    SETTINGS_REFUSED,
)
from custom_components.balanz.repairs import FLOWS
from custom_components.balanz.services import RUN_OVERLOAD_DRILL
from custom_components.balanz.session_events import SESSION
from custom_components.balanz.site.firmware_update import UpdateFailure
from custom_components.balanz.site.foreign_profiles import ProfileRefusal
from custom_components.balanz.site.plans import PlanRefusal
from custom_components.balanz.site.proofs import ProofRefusal
from custom_components.balanz.site.session_events import SessionKind
from custom_components.balanz.site.snapshot import ProblemKind
from custom_components.balanz.storage.proofs import Fact
from custom_components.balanz.supply import SupplyKind
from tests.ha.bad_schedules import BAD_SCHEDULES

FOLDER = Path(config_flow.__file__).parent
EN: dict[str, Any] = json.loads((FOLDER / "translations/en.json").read_text())
ICONS: dict[str, Any] = json.loads((FOLDER / "icons.json").read_text())
TAG_ACTIONS = {
    value for name, value in vars(tag_actions).items() if name.endswith(("_TAG", "_TAGS"))
} | {tag_actions.SET_SESSION_PRIORITY}
FIRMWARE_ACTIONS = {
    value for name, value in vars(firmware_actions).items() if name.endswith("_FIRMWARE")
}
SERVICES: dict[str, Any] = load_yaml_dict(str(FOLDER / "services.yaml"))
STORAGE = "".join((FOLDER / f"storage/{name}.py").read_text() for name in ("tags", "tag_csv"))
FIRMWARE_STORAGE = "".join(
    (FOLDER / f"storage/{name}.py").read_text()
    for name in ("csv_cells", "firmware_catalogue", "firmware_csv", "firmware_entry")
)
SOURCES = {
    path.relative_to(FOLDER).as_posix(): path.read_text()
    for pattern in ("*.py", "actions/*.py", "flows/*.py")
    for path in FOLDER.glob(pattern)
}


def forms_of_flows() -> Iterator[tuple[str, dict[str, Any], Any]]:
    """Yield each form: its name, its texts and its schema."""
    config = EN["config"]["step"]
    group = EN["config_subentries"]["group"]["step"]
    charger = EN["config_subentries"]["charger"]["step"]
    for kind in SupplyKind:
        schema = forms.supply_schema(kind, ALL_PHASES)
        yield f"config {kind}", config[f"supply_{kind}"], schema
        yield f"group {kind}", group[f"supply_{kind}"], schema
    with_identity = forms.charger_schema({"root": "Home"}, ALL_PHASES, identity=True)
    without = forms.charger_schema({"root": "Home"}, ALL_PHASES, identity=False)
    site_schema = config_flow.site_schema()
    group_schema = subentry_flow.group_schema({"root": "Home"})
    yield "config user", config["user"], site_schema
    yield "config reconfigure", config["reconfigure"], site_schema
    yield "group user", group["user"], group_schema
    yield "group reconfigure", group["reconfigure"], group_schema
    options = EN["options"]["step"]
    places = {"group:root": "Home"}
    yield (
        "options general",
        options["general"],
        options_flow.options_schema({"sensor.status": "Status"}),
    )
    yield "options rules of tags", options["tag_rules"], tag_options.rules_schema()
    yield "options new tag", options["add_tag"], tag_options.tag_schema(places, new=True)
    yield "options known tag", options["change_tag"], tag_options.tag_schema(places, new=False)
    for step, multiple in (("edit_tag", False), ("remove_tags", True)):
        schema = tag_options.choice_schema({"a": "A"}, multiple=multiple)
        yield f"options {step}", options[step], schema
    firmware = {"firmware": "A"}
    yield "options add_firmware", options["add_firmware"], firmware_options.firmware_schema()
    yield (
        "options remove_firmware",
        options["remove_firmware"],
        firmware_options.firmware_choice_schema(firmware),
    )
    yield (
        "options import_firmware",
        options["import_firmware"],
        csv_files.import_schema(),
    )
    yield "options import", options["import_tags"], csv_files.import_schema()
    files = ocpp_balanz_steps.files_schema(single_phase=False)
    yield "options ocpp-balanz", options["ocpp_balanz"], files
    yield "config confirm", config["confirm"], without
    yield "charger user", charger["user"], with_identity
    reconfigured = forms.charger_schema(
        {"root": "Home"}, ALL_PHASES, identity=False, new_password=True
    )
    yield "charger reconfigure", charger["reconfigure"], reconfigured
    password = charger_steps.password_schema("", can_send=True)
    yield "config password", config["password"], password
    yield "charger password", charger["password"], password


def fields_of(schema: Any) -> Iterator[Any]:
    """Yield the fields of a form and of its sections."""
    for value in schema.schema.values():
        if isinstance(value, section):
            yield from fields_of(value.schema)
        else:
            yield value


@pytest.mark.parametrize(
    ("texts", "schema"),
    [pytest.param(texts, schema, id=name) for name, texts, schema in forms_of_flows()],
)
def test_each_field_has_a_name_and_a_description_and_no_text_is_left_over(
    texts: dict[str, Any], schema: Any
) -> None:
    fields = {str(key) for key, value in schema.schema.items() if not isinstance(value, section)}
    sections = {str(key): value for key, value in schema.schema.items() if str(key) not in fields}

    assert set(texts["data"]) == fields
    assert set(texts["data_description"]) == fields
    assert set(texts.get("sections", {})) == set(sections)
    for name, value in sections.items():
        inside = {str(key) for key in value.schema.schema}
        assert set(texts["sections"][name]["data"]) == inside
        assert set(texts["sections"][name]["data_description"]) == inside


def test_makes_of_chargers_are_named_as_in_the_table() -> None:
    named = EN["selector"]["behaves_like"]["options"]

    assert {row.id: row.name for row in QUIRK_ROWS}.items() <= named.items()


def test_each_choice_of_a_translated_list_has_its_text() -> None:
    offered: defaultdict[str, set[str]] = defaultdict(set)
    for _, _, schema in forms_of_flows():
        for value in fields_of(schema):
            if isinstance(value, selector.SelectSelector) and "translation_key" in value.config:
                names = {str(option) for option in value.config["options"]}
                offered[value.config["translation_key"]] |= names

    for action in SERVICES.values():
        for field in action["fields"].values():
            choice = field["selector"].get("select")
            if choice is not None:
                offered[choice["translation_key"]] |= set(choice["options"])

    assert offered == {key: set(texts["options"]) for key, texts in EN["selector"].items()}


def test_each_action_has_its_texts_its_icon_and_its_fields() -> None:
    schemas = {action.name: action.schema for action in (*OCPP_ACTIONS, *SECURITY_ACTIONS, GET_LOG)}
    targeting = {action.name for action in BALANCING_ACTIONS} | {GET_ALLOCATION}

    own = {RUN_OVERLOAD_DRILL, EXPORT_PROOFS, PROTECT_KEYS, *TAG_ACTIONS, *FIRMWARE_ACTIONS}
    assert set(schemas) | targeting | own == set(SERVICES)
    assert targeting == {name for name, action in SERVICES.items() if "target" in action}
    for balancing in BALANCING_ACTIONS:
        fields = {str(key): isinstance(key, vol.Required) for key in balancing.fields}
        shapes = SERVICES[balancing.name]["fields"]
        assert fields == {name: shape.get("required", False) for name, shape in shapes.items()}
    assert set(EN["services"]) == set(ICONS["services"]) == set(SERVICES)
    for name, action in SERVICES.items():
        assert set(EN["services"][name]["fields"]) == set(action["fields"])
        if name in schemas:
            required = {str(key) for key in schemas[name].schema if isinstance(key, vol.Required)}
            assert {str(key) for key in schemas[name].schema} == set(action["fields"])
            assert required == {
                field for field, shape in action["fields"].items() if shape.get("required")
            }


def test_each_kind_of_supply_has_its_line_in_the_menu() -> None:
    """Only what measures the grid connection is in the Energy dashboard."""
    lines = {"supply_keep", *(f"supply_{kind}" for kind in SupplyKind)}
    site = EN["config"]["step"]["supply"]["menu_options"]
    group = EN["config_subentries"]["group"]["step"]["supply"]["menu_options"]

    assert set(group) == lines
    assert set(site) == lines | {"supply_dashboard"}


def test_each_line_of_the_menus_of_the_options_has_its_text() -> None:
    steps = EN["options"]["step"]

    assert set(steps["init"]["menu_options"]) == {"general", "tags", "firmware", "ocpp_balanz"}
    assert set(steps["tags"]["menu_options"]) == set(tag_options.MENU)
    assert set(tag_options.MENU_WITHOUT_TAGS) < set(tag_options.MENU)
    menu = set(firmware_options.FIRMWARE_MENU)
    assert set(steps["firmware"]["menu_options"]) == menu
    assert set(firmware_options.FIRMWARE_MENU_WHILE_EMPTY) < menu


def strings_in(source: str) -> set[str]:
    return {
        node.value
        for node in ast.walk(ast.parse(source))
        if isinstance(node, ast.Constant) and isinstance(node.value, str)
    }


def test_each_error_of_a_form_is_translated() -> None:
    """An error is a value that stands in the code of the flows; none is left over."""
    named = {"name_invalid", "name_taken"}
    shared = (
        strings_in(SOURCES["flows/forms.py"])
        | strings_in(SOURCES["flows/charger_steps.py"])
        | named
    )
    shared |= strings_in(SOURCES["upstream_form.py"])
    site = strings_in(SOURCES["config_flow.py"]) | strings_in(SOURCES["flows/security_form.py"])
    config = shared | site
    subentry = shared | strings_in(SOURCES["flows/subentry_flow.py"])
    supply = set(re.findall(r'"((?:sensor|not|other_loads)_\w+)"', SOURCES["flows/forms.py"]))
    charger = set(re.findall(r'\] = "(\w+)"|: "(\w+)"\}', SOURCES["flows/forms.py"]))
    charger_errors = {name for found in charger for name in found if name} - supply | named
    schedule = {f"schedule_{key}" for key in BAD_SCHEDULES}

    assert schedule <= set(EN["config"]["error"]) <= config | schedule
    assert supply <= set(EN["config"]["error"])
    assert charger_errors - {"identity_invalid"} <= set(EN["config"]["error"])
    upstream = {"upstream_url_invalid", "upstream_url_missing", "too_many_observers"}
    group_errors = set(EN["config_subentries"]["group"]["error"])
    assert group_errors == supply | schedule | named | upstream
    assert set(EN["config_subentries"]["charger"]["error"]) <= subentry
    assert charger_errors <= set(EN["config_subentries"]["charger"]["error"])
    of_tags = set(tag_options.FIELDS_OF_ERRORS) | {"tag_unknown", "storage_failing"}
    of_files = set(re.findall(r'TagFileError\("(tag_\w+)"', STORAGE))
    own = {"not_a_date", "short_turn_too_long"}
    of_import = set(re.findall(r'\] = "(\w+)"', SOURCES["flows/ocpp_balanz_steps.py"]))
    of_firmware = firmware_errors() | {"csv_unusable"}
    assert set(EN["options"]["error"]) == own | of_tags | of_files | of_firmware | of_import


def firmware_errors(*, of_rows: bool = False) -> set[str]:
    """Return what can be wrong with a firmware or a file of them."""
    found = set(re.findall(r'Error\(\s*"((?:firmware|csv)_\w+)"', FIRMWARE_STORAGE))
    return found | {"csv_row_unreadable"} if of_rows else found - {"csv_row_too_long"}


def described(texts: object) -> Iterator[tuple[set[str], set[str]]]:
    """Yield the fields of each form, wherever it is, and those that have a description."""
    if isinstance(texts, dict):
        if "title" in texts or "data_description" in texts:
            yield set(texts.get("data", ())), set(texts.get("data_description", ()))
        for part in texts.values():
            yield from described(part)


def test_each_field_of_each_form_has_a_description() -> None:
    forms = list(described({name: EN[name] for name in EN if name != "services"}))
    assert sum(len(fields) for fields, _ in forms) > 100
    for fields, with_description in forms:
        assert fields == with_description


def test_an_error_about_a_schedule_tells_where_it_is() -> None:
    for where in (EN["config"], EN["config_subentries"]["group"]):
        for key in BAD_SCHEDULES:
            text = where["error"][f"schedule_{key}"]
            assert {"{wrong}", "{line}", "{column}"} <= set(re.findall(r"\{\w+\}", text))


def test_each_reason_to_abort_is_translated() -> None:
    source = SOURCES["config_flow.py"]

    used = set(re.findall(r'async_abort\(reason="(\w+)"\)', source))
    assert used <= set(EN["config"]["abort"])


def entity_keys() -> Iterator[tuple[str, str]]:
    """Yield the platform and translation key of each entity."""
    for description in (binary_sensor.CONNECTED, *binary_sensor.CONNECTOR_BINARY_SENSORS):
        yield "binary_sensor", str(description.translation_key)
    for alone in (
        binary_sensor.LIMITING,
        binary_sensor.SAFE_ALONE,
        binary_sensor.UPSTREAM_CONNECTED,
    ):
        yield "binary_sensor", str(alone.translation_key)
    for problem in binary_sensor.SITE_PROBLEMS:
        yield "binary_sensor", str(problem.translation_key)
    own = (button.OPEN_PAIRING, button.OVERLOAD_DRILL, button.RESTART, button.PROVE_FALLBACK)
    for press in (*own, button.START_BOOST, button.CLEAR_PLAN, *button.CONNECTOR_BUTTONS):
        yield "button", str(press.translation_key)
    yield "datetime", str(datetime.DEPARTURE.translation_key)
    for value in (number.CAPACITY, number.MAXIMUM, number.ENERGY_TARGET, number.BOOST_DURATION):
        yield "number", str(value.translation_key)
    for toggle in (
        switch.BOOST,
        switch.CHARGING_ALLOWED,
        switch.PAUSED,
        switch.IN_SERVICE,
        switch.SMART_CHARGING,
    ):
        yield "switch", str(toggle.translation_key)
    for choice in (select.POLICY, select.SURPLUS, select.PRIORITY):
        yield "select", str(choice.translation_key)
    single = (
        group_sensors.CARS_CHARGING,
        group_sensors.METER,
        sensor.REASON,
        group_sensors.REFUSED,
        charger_sensors.FALLBACK_PROOF,
        group_sensors.LAST_DRILL,
        sensor.TAG,
        charger_sensors.UPSTREAM_QUEUE,
    )
    yield "event", str(charger_events.FIRMWARE_EVENT.translation_key)
    yield "event", str(charger_events.UPLOAD_EVENT.translation_key)
    for told in (*charger_sensors.CHARGER_SENSORS, *charger_sensors.TOLD_SENSORS):
        yield "sensor", str(told.translation_key)
    yield "event", str(security_event_entity.SECURITY.translation_key)
    for happening in (event.TAG, SESSION):
        yield "event", str(happening.translation_key)
    yield "update", str(update.FIRMWARE.translation_key)
    for measured in (*CONNECTOR_SENSORS, *REPORTED_SENSORS, UPSTREAM_LIMIT, *single):
        yield "sensor", str(measured.translation_key)
    for grouped in group_sensors.GROUP_SENSORS:
        yield "sensor", str(grouped.translation_key)
        for phase in ALL_PHASES:
            yield "sensor", f"{grouped.translation_key}_{phase.lower()}"


def test_each_entity_has_a_name_and_no_name_is_left_over() -> None:
    named = {(platform, key) for platform, texts in EN["entity"].items() for key in texts}

    assert named == set(entity_keys())


def test_each_icon_belongs_to_an_entity() -> None:
    drawn = {(platform, key) for platform, icons in ICONS["entity"].items() for key in icons}

    assert drawn <= set(entity_keys())


def test_each_state_of_an_enumeration_has_its_text() -> None:
    texts = EN["entity"]["sensor"]

    assert set(texts["status"]["state"]) == set(ConnectorStatus)
    assert set(texts["reason"]["state"]) == set(Rule)
    explained = texts["reason"]["state_attributes"]["explanation"]["state"]
    assert set(explained) == set(Rule)
    assert set(texts["error_code"]["state"]) == set(ErrorCode)
    assert set(texts["stop_reason"]["state"]) == set(StopReason)
    assert set(texts["meter"]["state"]) == set(MeterStage)
    shown = EN["entity"]["event"]["tag"]["state_attributes"]["event_type"]["state"]
    assert set(shown) == set(TagOutcome)
    ended = EN["entity"]["event"]["firmware"]["state_attributes"]
    assert set(ended["event_type"]["state"]) == {charger_events.INSTALLED, charger_events.FAILED}
    assert set(ended["reason"]["state"]) == set(UpdateFailure)
    offered = EN["entity"]["update"]["firmware"]["state_attributes"]
    assert set(offered["last_failure"]["state"]) == set(UpdateFailure)
    came = EN["entity"]["event"]["upload"]["state_attributes"]
    assert set(came["event_type"]["state"]) == {charger_events.RECEIVED, charger_events.FAILED}
    assert set(came["log_type"]["state"]) == set(EN["selector"]["log_type"]["options"])
    for told in (*charger_sensors.CHARGER_SENSORS, *charger_sensors.TOLD_SENSORS):
        assert set(texts[told.key].get("state", ())) == set(told.options or ())
    kinds = EN["entity"]["event"]["session"]["state_attributes"]["event_type"]["state"]
    assert set(kinds) == set(SessionKind)
    proof = texts["fallback_proof"]
    assert set(proof["state"]) == set(charger_sensors.FALLBACK_PROOF.options or ())
    assert set(Fact) <= set(proof["state_attributes"])


def test_each_exception_has_its_message() -> None:
    used = {
        key
        for source in SOURCES.values()
        for key in re.findall(r'translation_key="(\w+)",\n\s+translation_placeholders={', source)
    }

    drill = set(re.findall(r'DrillError\("(\w+)"\)', (FOLDER / "site" / "drill.py").read_text()))
    plain = set(re.findall(r'DOMAIN, translation_key="(\w+)"', "".join(SOURCES.values())))
    target = SOURCES["actions/charger_target.py"]
    plain |= set(re.findall(r'key = "(\w+)"', target))
    plain |= set(re.findall(r'_refused\("(\w+)"', SOURCES["actions/targets.py"]))

    plain |= set(re.findall(r'translation_key="(\w+)"\)', SOURCES["actions/tags.py"]))
    plain |= set(re.findall(r'DOMAIN, translation_key="(\w+)"', SOURCES["actions/tags.py"]))
    errors = STORAGE + SOURCES["actions/tags.py"] + (FOLDER / "csms/tag_desk.py").read_text()
    tags = set(re.findall(r'"(tag_[a-z_]+)"', errors)) - {"tag_status"}

    sources = SOURCES["flows/ocpp_balanz.py"] + SOURCES["flows/ocpp_balanz_steps.py"]
    imports = set(re.findall(r'"(import_[a-z_]+)"', sources)) - set(EN["options"]["error"])
    files = set(re.findall(r'_refused\("(\w+)"', SOURCES["actions/files.py"]))
    own = (used - {"connector"}) | drill | plain | tags | imports | files
    own |= firmware_errors(of_rows=True)
    refusals = {*PlanRefusal, *ProfileRefusal, *ProofRefusal}
    refusals |= {f"update_{failure}" for failure in UpdateFailure}
    assert own | refusals == set(EN["exceptions"])


def test_each_issue_has_its_text() -> None:
    own = {SENSOR_MISSING, GROUP_GONE, KEYS_LOCKED, SCHEDULE_UNREADABLE, SETTINGS_REFUSED}
    silent = ProblemKind.METER_SILENT
    staged = {f"{silent}_{stage}" for stage in MeterStage if stage is not MeterStage.FRESH}
    assert set(EN["issues"]) == (set(ProblemKind) - {silent}) | staged | own


def kind_of(issue: str) -> str:
    silent = ProblemKind.METER_SILENT
    return silent if issue.startswith(silent) else issue


def test_each_issue_that_can_be_fixed_has_the_texts_of_its_flow() -> None:
    fixed = {issue for issue, texts in EN["issues"].items() if "fix_flow" in texts}

    assert {kind_of(issue) for issue in fixed} == FIXABLE == set(FLOWS)
    for issue in EN["issues"].keys() - fixed:
        assert EN["issues"][issue]["description"]
    for issue in fixed:
        texts = EN["issues"][issue]["fix_flow"]
        flow = FLOWS[kind_of(issue)]
        assert set(texts["step"]) == {getattr(flow, "step_id", "confirm")}
        assert "description" not in EN["issues"][issue]


def test_each_reason_why_a_repair_ends_without_one_is_translated() -> None:
    sources = "".join(
        SOURCES[f"{name}.py"] for name in ("flows/repair_flow", "flows/repair_forms", "repairs")
    )
    used = set(re.findall(r'reason="(\w+)"|NotMended\("(\w+)"', sources))
    fixed = [texts["fix_flow"] for texts in EN["issues"].values() if "fix_flow" in texts]

    told = {reason for flow in fixed for reason in flow["abort"]}
    assert told == {reason for found in used for reason in found if reason}
    assert all("site_not_running" in flow["abort"] for flow in fixed)


def test_what_is_wrong_with_the_form_of_a_repair_is_told_as_in_the_form_of_the_site() -> None:
    def errors(issue: str) -> set[str]:
        return set(EN["issues"][issue]["fix_flow"]["error"])

    of_sensors = set(re.findall(r'"((?:sensor|not)_\w+)"', SOURCES["flows/forms.py"]))
    assert errors("sensor_missing") == of_sensors - {"sensor_lost_too_soon"}
    assert errors("meter_silent_lost") == errors("sensor_missing")
    assert errors("schedule_unreadable") == {f"schedule_{key}" for key in BAD_SCHEDULES}
    assert errors("unsafe_alone") == set(ProofRefusal)


def test_each_action_and_each_of_its_fields_has_its_text_and_the_action_its_icon() -> None:
    actions = load_yaml_dict(str(FOLDER / "services.yaml"))

    assert set(actions) == set(EN["services"]) == set(ICONS["services"])
    for name, action in actions.items():
        assert set(action["fields"]) == set(EN["services"][name]["fields"])


def test_texts_refer_to_no_other_texts() -> None:
    """References are resolved when Home Assistant itself is built, not in custom integrations."""
    assert "[%key" not in (FOLDER / "translations/en.json").read_text()


def test_texts_have_no_tags() -> None:
    """What looks like a tag makes the whole text unreadable in the frontend."""
    assert not re.search(r"[<>]", (FOLDER / "translations/en.json").read_text())


def test_the_quality_scale_gives_a_reason_for_each_exemption() -> None:
    rules = load_yaml_dict(str(FOLDER / "quality_scale.yaml"))["rules"]

    assert len(rules) == 54
    for rule in rules.values():
        assert rule in ("done", "todo") or (
            rule["status"] in ("exempt", "done") and rule["comment"]
        )


LANGUAGES = sorted(
    path.stem for path in (FOLDER / "translations").glob("*.json") if path.stem != "en"
)
NAMES = {"balanz", "{name}", "CSV", "groups.csv", "chargers.csv", *(row.name for row in QUIRK_ROWS)}
SIGNS = re.compile(r"L[123](, L[123])*|SHA-\d+")
SAME_AS_ENGLISH = {
    "nl": {"Firmware", "Hard", "In Base64.", "Meter", "Status", "Tag", "Tags"},
    "de": {
        "Boost",
        "Firmware",
        "Limit",
        "Name",
        "Person",
        "Phase",
        "Port",
        "Status",
        "Tags",
        "Version",
    },
}


def texts_in(language: str) -> dict[str, str]:
    """Return each text of a language by the path of its keys, in their order."""

    def walk(path: str, value: Any) -> Iterator[tuple[str, str]]:
        if isinstance(value, dict):
            for key, inner in value.items():
                yield from walk(f"{path}.{key}", inner)
        else:
            yield path, value

    source = (FOLDER / f"translations/{language}.json").read_text(encoding="utf-8")
    return dict(walk("", json.loads(source)))


@pytest.mark.parametrize("language", LANGUAGES)
def test_each_language_has_the_keys_of_english_in_their_order(language: str) -> None:
    assert list(texts_in(language)) == list(texts_in("en"))


WIDEST_MENU_LINE = 38
"""A phone cuts off what is longer."""


@pytest.mark.parametrize("language", ["en", *LANGUAGES])
def test_each_line_of_a_menu_can_be_read_on_a_phone(language: str) -> None:
    lines = {key: text for key, text in texts_in(language).items() if ".menu_options." in key}

    assert lines
    assert [text for text in lines.values() if len(text) > WIDEST_MENU_LINE] == []


WIDEST_REPAIR_TITLE = 28
"""On a phone what is longer wraps, and lies upon who has reported the issue."""


@pytest.mark.parametrize("language", ["en", *LANGUAGES])
def test_the_title_of_each_repair_fits_a_phone_whatever_the_names_are(language: str) -> None:
    titles = {
        text
        for key, text in texts_in(language).items()
        if ".fix_flow.step." in key and key.endswith(".title")
    }

    assert titles
    assert [text for text in titles if len(text) > WIDEST_REPAIR_TITLE or "{" in text] == []


@pytest.mark.parametrize("language", LANGUAGES)
def test_each_language_has_the_placeholders_and_the_markdown_of_english(language: str) -> None:
    def marks(text: str) -> list[str]:
        return sorted(re.findall(r"`?\{\w+\}`?|\n\n", text))

    texts = texts_in(language)

    wrong = {key for key, english in texts_in("en").items() if marks(texts[key]) != marks(english)}
    assert wrong == set()


@pytest.mark.parametrize("language", LANGUAGES)
def test_each_language_leaves_only_names_and_shared_words_in_english(language: str) -> None:
    texts = texts_in(language)

    left = {text for key, text in texts_in("en").items() if texts[key] == text} - NAMES
    words = {text for text in left if not SIGNS.fullmatch(text)}
    assert words == SAME_AS_ENGLISH[language]


@pytest.mark.parametrize("language", LANGUAGES)
def test_each_language_has_no_empty_texts_no_references_and_no_tags(language: str) -> None:
    for text in texts_in(language).values():
        assert text.strip()
        assert not re.search(r"[<>]|\[%key", text)
