"""What is known of chargers in the field, as data. The first row that fits a charger counts.

Each row tells what such chargers were seen to do, and where that is known from. How balanz deals
with it follows from the quirks alone. docs/chargers.md is generated from this table.
"""

from typing import Final

from .capabilities import RateUnit
from .meter_quirks import MeterQuirks
from .profile_forms import Kind, Purpose
from .quirks import Pattern, Questions, QuirkRow, Quirks

OCPP: Final = "github.com/lbbrhzn/ocpp"
EVCC: Final = "github.com/evcc-io/evcc"

QUIRK_ROWS: Final = (
    QuirkRow(
        id="abb_terra_ac",
        name="ABB Terra AC",
        patterns=(Pattern(vendor="ABB.*"),),
        quirks=Quirks(
            max_stack_level=0,
            questions=Questions.BY_KEY,
            tunes_meter=False,
            clears_others=True,
        ),
        behaviour=(
            "Says that it knows stack levels up to 3 and refuses all but 0. Restarts when it is"
            " asked for all settings at once, or when many measurands are set. A maximum that"
            " another central system has left behind holds it at 6 A until it is cleared."
        ),
        source=f"reports at {OCPP}, issues 1275, 1735 and 1737; {EVCC}, issue 15533",
    ),
    QuirkRow(
        id="autel_maxicharger",
        name="Autel MaxiCharger",
        patterns=(Pattern(vendor="Autel.*"),),
        quirks=Quirks(kind=Kind.ABSOLUTE, meter=MeterQuirks(spreads_one_line=True)),
        behaviour=(
            "Answers a Relative profile of the whole charger with a fault. With one line, it"
            " reports a third of its current on each of three."
        ),
        source=f"reports at {OCPP}, issues 1565, 2082 and 2154",
    ),
    QuirkRow(
        id="easee",
        name="Easee",
        patterns=(Pattern(vendor="Easee.*"),),
        quirks=Quirks(meter_interval_s=30),
        behaviour="Refuses to meter more often than every 30 s, and takes its time to follow.",
        source=f"the charger's template in {EVCC}; its issue 29861",
    ),
    QuirkRow(
        id="en_plus",
        name="EN+, Cord and EV Switch",
        patterns=(
            Pattern(vendor=r"EN ?(\+|plus).*"),
            Pattern(vendor="Cord.*"),
            Pattern(vendor="EV ?Switch.*"),
        ),
        quirks=Quirks(pauses_at_zero=False, takes_pings=False),
        behaviour=(
            "Ends its transaction by itself when its limit falls below 6 A, and does not go on"
            " later. Hangs up when it is pinged."
        ),
        source=f"reports at {EVCC}, issues 15752, 25072 and 33020; {OCPP}, issue 211",
    ),
    QuirkRow(
        id="evbox_elvi",
        name="EVBox Elvi",
        patterns=(Pattern(vendor="EV-?Box.*"),),
        quirks=Quirks(max_stack_level=0, purpose=Purpose.TX_DEFAULT, tunes_meter=False),
        behaviour=(
            "Knows no maximum of the whole charger and no stack level but 0, and refuses lists of"
            " measurands."
        ),
        source=f"reports at {OCPP}, issues 221 and 1703; the charger's template in {EVCC}",
    ),
    QuirkRow(
        id="garo_entity",
        name="Garo Entity",
        patterns=(Pattern(vendor="Garo.*"),),
        quirks=Quirks(tells_phases=True),
        behaviour="Takes a limit for three lines unless the profile says for how many it is.",
        source=f"reports at {OCPP}, issues 1035 and 1043",
    ),
    QuirkRow(
        id="go_e",
        name="go-e and Fronius Wattpilot",
        patterns=(Pattern(vendor="go-?e.*"), Pattern(vendor="Fronius.*", model=".*Wattpilot.*")),
        quirks=Quirks(repeats_after_pause=True, step_a=1.0, tunes_meter=False, keeps_in_ram=True),
        behaviour=(
            "Ignores the first limit after a pause, and takes whole amperes. Forgets its limits"
            " when its link goes. Its measurands cannot be changed."
        ),
        source=(
            "the documentation of go-e's interface; reports of owners, such as"
            f" github.com/goecharger/go-eCharger-API-v2, issue 217; {OCPP}, issue 1036"
        ),
    ),
    QuirkRow(
        id="grizzl_e_5",
        name="Grizzl-E, firmware 5",
        patterns=(Pattern(vendor="(Grizzl-?E|United Chargers).*", firmware=r".*\b5\..*"),),
        quirks=Quirks(
            questions=Questions.NONE,
            keeps_in_ram=True,
            meter=MeterQuirks(export_is_import=True),
        ),
        behaviour=(
            "Answers a question for a setting that it does not know with broken JSON, and then"
            " restarts. Goes back to its DIP switches when it restarts. Calls the current that"
            " flows into the car Current.Export."
        ),
        source=f"reports at {OCPP}, issues 176, 442 and 1652; the charger's user guide",
    ),
    QuirkRow(
        id="grizzl_e",
        name="Grizzl-E",
        patterns=(Pattern(vendor="(Grizzl-?E|United Chargers).*"),),
        quirks=Quirks(
            purpose=Purpose.TX_DEFAULT,
            keeps_in_ram=True,
            meter=MeterQuirks(export_is_import=True),
        ),
        behaviour=(
            "Accepts a maximum of the whole charger and does not apply it before firmware 3.11."
            " Goes back to its DIP switches when it restarts. Calls the current that flows into"
            " the car Current.Export."
        ),
        source=(
            f"the charger's user guide and release notes; reports at {OCPP}, issues 176 and 1600"
        ),
    ),
    QuirkRow(
        id="growatt_thor",
        name="Growatt Thor",
        patterns=(Pattern(vendor="Growatt.*"),),
        quirks=Quirks(triggers=False),
        behaviour="Refuses to be triggered, for ever once its link was lost.",
        source=f"a report at {OCPP}, issue 1452",
    ),
    QuirkRow(
        id="huawei_scharger",
        name="Huawei SCharger",
        patterns=(Pattern(vendor="Huawei.*"),),
        quirks=Quirks(rate_unit=RateUnit.WATT, minimum_a=7.0, pauses_at_zero=False),
        behaviour=(
            "Takes nothing but watts. At 0 W it waits for an authorisation for ever. Below 4.5 kW"
            " it goes on with one line of three."
        ),
        source=(
            f"reports at {OCPP}, issues 1635 and 1810; github.com/wlcrs/huawei_solar, issue 491;"
            f" {EVCC}, issue 29272"
        ),
    ),
    QuirkRow(
        id="mennekes_4you",
        name="Mennekes Amtron 4You",
        patterns=(Pattern(vendor="Mennekes.*", model=".*4You.*"),),
        quirks=Quirks(rate_unit=RateUnit.AMPERE),
        behaviour="Takes amperes for the current; watts make it change the number of its lines.",
        source=f"the charger's template in {EVCC}; its issue 19735",
    ),
    QuirkRow(
        id="necharge_pro",
        name="NEcharge Pro",
        patterns=(Pattern(vendor="NEcharge.*"),),
        quirks=Quirks(steps_a=(6.0, 8.0, 10.0, 13.0, 16.0), pauses_at_zero=False),
        behaviour=(
            "Charges with 6, 8, 10, 13 or 16 A and takes the next lower one of them. Ends its"
            " transaction below 6 A."
        ),
        source=f"the charger's template in {EVCC}",
    ),
    QuirkRow(
        id="sync_ev",
        name="SyncEV",
        patterns=(Pattern(vendor="(Sync ?EV|BG Sync).*"),),
        quirks=Quirks(polls_meter=True, tunes_meter=False),
        behaviour="Does not send meter values by itself, but does when it is triggered to.",
        source=f"a report at {OCPP}, issue 1153, and its documentation",
    ),
    QuirkRow(
        id="timxon",
        name="Timxon",
        patterns=(Pattern(vendor="Timxon.*"),),
        quirks=Quirks(purpose=Purpose.TX_DEFAULT, kind=Kind.RELATIVE),
        behaviour=(
            "Gives no answer to an Absolute profile, and knows neither a maximum of the whole"
            " charger nor profiles of a transaction."
        ),
        source=f"a report at {OCPP}, issue 2158",
    ),
    QuirkRow(
        id="topdon",
        name="Topdon",
        patterns=(Pattern(vendor="Topdon.*"),),
        quirks=Quirks(questions=Questions.NONE, triggers=False, tunes_meter=False),
        behaviour="Restarts again and again while it is asked questions.",
        source=f"a report at {OCPP}, issue 1203",
    ),
    QuirkRow(
        id="wallbox_6_7",
        name="Wallbox, firmware 6.7",
        patterns=(Pattern(vendor="Wallbox.*", firmware=r".*\b6\.7\b.*"),),
        quirks=Quirks(max_stack_level=0, purpose=Purpose.TX),
        behaviour="Accepts a limit while a car charges, and does not apply it to that session.",
        source=f"reports at {OCPP}, issues 1935 and 1950; {EVCC}, issue 26060",
    ),
    QuirkRow(
        id="wallbox",
        name="Wallbox Pulsar, Copper and Commander",
        patterns=(Pattern(vendor="Wallbox.*"),),
        quirks=Quirks(max_stack_level=0, purpose=Purpose.TX_DEFAULT, kind=Kind.RELATIVE),
        behaviour=(
            "Knows stack level 0 and Relative profiles only, and refuses a maximum of the whole"
            " charger."
        ),
        source=f"a report at {OCPP}, issue 1245; the chargers' templates in {EVCC}",
    ),
    QuirkRow(
        id="webasto_live",
        name="Webasto Live",
        patterns=(Pattern(vendor="Webasto.*", model=".*Live.*"),),
        quirks=Quirks(questions=Questions.BY_KEY),
        behaviour="Does not answer when it is asked for all settings.",
        source=f"a report at {OCPP}, issue 1489",
    ),
    QuirkRow(
        id="zj_beny",
        name="ZJ Beny",
        patterns=(Pattern(vendor="(ZJ ?)?Beny.*"),),
        quirks=Quirks(questions=Questions.NONE),
        behaviour=(
            "Hangs up when it is asked for its settings. Takes no new session before its car was"
            " unplugged, so that balanz pauses it with 0 A and never by a stop."
        ),
        source=f"reports at {OCPP}, issues 1078 and 1491; {EVCC}, issues 12861 and 14804",
    ),
)
