"""The rooms of one running site, made and joined to each other; what they do is in each of them."""

from collections.abc import Callable, Coroutine
from functools import partial
from pathlib import Path

from ..balancing.model import ConnectorKey
from ..csms.certificate_authority import CertificateAuthority
from ..csms.events import StationEvent
from ..csms.server import CentralSystem, ServerSettings
from ..csms.station import LimitAnswer
from ..csms.tls import TlsSettings
from ..csms.transactions import TransactionBook
from ..storage.journal import Journal
from ..storage.ledger import Ledger
from .capacities import Capacities
from .capacity_settings import CapacitySettings
from .ceilings import Ceilings
from .connectors import Connectors, is_idle
from .control import Control
from .dispatch import Dispatcher
from .doorkeeper import Doorkeeper
from .drill import Drills
from .firmware_updates import FirmwareUpdates
from .firmwares import Firmwares
from .foreign_profiles import ForeignProfiles
from .group_looks import GroupLooks
from .kept_base_loads import KeptBaseLoads
from .kept_energy import KeptEnergy
from .key_guard import KeyGuard
from .layout import Layout
from .learnt_steps import LearntSteps
from .leaving import LeavingChargers
from .live import LiveConnector
from .local_lists import LocalLists
from .meters import Meters
from .obedience import Obedience
from .offline_keys import OfflineKeys
from .pairing import Pairing
from .plans import Plans
from .proofs import Proofs
from .recorder import Recorder
from .refusals import Refusals
from .remote_commands import RemoteCommands
from .sessions import Sessions
from .settings import SiteSettings
from .smart_charging import SmartCharging
from .step_timer import COALESCE_S, StepTimer
from .step_worker import StepWorker
from .tags import SiteTags
from .tasks import Tasks
from .uploads import Uploads
from .upstream_mode import UpstreamMode
from .upstreams import Upstreams
from .user_settings import UserSettings
from .withholding import Withholding


class Rooms:
    """Each room has what it needs of those before it, and calls for a step when it has news."""

    def __init__(
        self,
        *,
        settings: SiteSettings,
        storage_path: Path,
        files_path: Path,
        tls: TlsSettings | None,
        authority: CertificateAuthority | None,
        listener: Callable[[StationEvent], None],
        step: Callable[[float, bool], Coroutine[object, object, None] | None],
    ) -> None:
        """Make all; nothing runs yet.

        `listener` is called with what the chargers say, `step` with the loop's time when a step is
        due, and with whether it is a whole one; it returns what is left of it. Raises SiteError if
        the groups make no tree.
        """
        self.layout = Layout(settings)
        self.live: dict[ConnectorKey, LiveConnector] = {}
        self.tasks = Tasks()
        self.timer = StepTimer(connectors=self.live, step=step, spawn=self.tasks.spawn)
        self.worker = StepWorker()
        self.journal = Journal(storage_path / "journal.jsonl")
        self.ledger = Ledger()
        self.recorder = Recorder(
            journal=self.journal,
            ledger=self.ledger,
            spawn=self.tasks.spawn,
            on_recorded=self.timer.soon,
        )
        self._make_entrance(settings, storage_path, tls, authority, listener)
        self._make_control()
        self._make_watches(storage_path)
        self._make_user_rooms(storage_path, files_path)

    def _make_entrance(
        self,
        settings: SiteSettings,
        storage_path: Path,
        tls: TlsSettings | None,
        authority: CertificateAuthority | None,
        listener: Callable[[StationEvent], None],
    ) -> None:
        """Make what lets chargers in and knows who they are."""
        self.transactions = TransactionBook(self.journal)
        self.tags = SiteTags(
            folder=storage_path,
            transactions=self.transactions,
            live=self.live,
            listener=listener,
            on_change=self._tags_changed,
        )
        self.central = CentralSystem(
            settings=ServerSettings(host=settings.host, port=settings.port, tls=tls),
            listener=listener,
            transactions=self.transactions,
            tag_desk=self.tags.desk,
        )
        self.door = Doorkeeper(
            central=self.central,
            ledger=self.ledger,
            recorder=self.recorder,
            spawn=self.tasks.spawn,
            on_change=self.timer.soon,
            authority=authority,
        )
        self.keys = KeyGuard(central=self.central, authority=authority)
        self.pairing = Pairing(central=self.central, on_change=self.timer.step)
        self.firmwares = Firmwares(ledger=self.ledger, recorder=self.recorder, central=self.central)
        self.sessions = Sessions(live=self.live, tag_of=self.tags.known.get)
        self.refusals = Refusals(
            central=self.central, transactions=self.transactions, spawn=self.tasks.spawn
        )
        self.local_lists = LocalLists(
            central=self.central,
            tags=self.tags,
            is_idle=partial(is_idle, self.live),
            spawn=self.tasks.spawn,
        )

    def _make_control(self) -> None:
        """Make what a step looks at, and what takes its commands to the chargers."""
        self.meters = Meters()
        self.drills = Drills(ledger=self.ledger, recorder=self.recorder, on_end=self.timer.step)
        self.capacities = Capacities(ledger=self.ledger, layout=self.layout, drills=self.drills)
        self.capacity_settings = CapacitySettings(
            ledger=self.ledger,
            recorder=self.recorder,
            layout=self.layout,
            capacities=self.capacities,
            on_change=self.timer.step,
        )
        self.leaving = LeavingChargers(ledger=self.ledger, recorder=self.recorder)
        self.dispatcher = Dispatcher(
            central=self.central,
            live=self.live,
            recorder=self.recorder,
            leaving=self.leaving,
            spawn=self.tasks.spawn,
            on_answer=self._answered,
        )
        self.smart_charging = SmartCharging(
            ledger=self.ledger,
            recorder=self.recorder,
            central=self.central,
            live=self.live,
            meters=self.meters,
            spawn=self.tasks.spawn,
            on_change=self.timer.soon,
        )
        self.plans = Plans(ledger=self.ledger, recorder=self.recorder, live=self.live)
        self.ceilings = Ceilings(
            ledger=self.ledger,
            recorder=self.recorder,
            live=self.live,
            on_change=self.timer.step,
            on_asked_back=self._asked_back,
        )
        self.control = Control(
            layout=self.layout,
            capacities=self.capacities,
            meters=self.meters,
            live=self.live,
            dispatcher=self.dispatcher,
            smart_charging=self.smart_charging,
            leaving=self.leaving,
            journal=self.journal,
        )
        self.looks = GroupLooks(
            layout=self.layout,
            control=self.control,
            dispatcher=self.dispatcher,
            worker=self.worker,
        )

    def _make_watches(self, storage_path: Path) -> None:
        """Make what finds out how chargers behave, and keeps what was found."""
        self.proofs = Proofs(
            ledger=self.ledger,
            recorder=self.recorder,
            central=self.central,
            live=self.live,
            spawn=self.tasks.spawn,
            rating_fits=self.control.rating_fits,
            on_change=self._facts_changed,
        )
        self.learnt_steps = LearntSteps(self.live)
        self.offline_keys = OfflineKeys(
            central=self.central, spawn=self.tasks.spawn, on_change=self._facts_changed
        )
        self.obedience = Obedience(
            central=self.central,
            live=self.live,
            ledger=self.ledger,
            recorder=self.recorder,
            spawn=self.tasks.spawn,
            dispatcher=self.dispatcher,
        )
        self.withholding = Withholding(
            central=self.central, live=self.live, dispatcher=self.dispatcher
        )
        self.foreign = ForeignProfiles(
            central=self.central,
            live=self.live,
            ledger=self.ledger,
            recorder=self.recorder,
            is_free=self.smart_charging.is_free,
            rating_fits=partial(self.control.rating_fits, seen=True),
            on_change=self.timer.soon,
        )
        self.upstreams = Upstreams(
            central=self.central,
            transactions=self.transactions,
            live=self.live,
            make_mode=partial(
                UpstreamMode,
                foreign=self.foreign,
                proofs=self.proofs,
                is_free=self.smart_charging.is_free,
                send_again=self.dispatcher.send_again,
                spawn=self.tasks.spawn,
            ),
            folder=storage_path,
            spawn=self.tasks.spawn,
            on_change=self.timer.soon,
        )
        self.kept_base_loads = KeptBaseLoads(ledger=self.ledger, recorder=self.recorder)
        self.kept_energy = KeptEnergy(ledger=self.ledger, recorder=self.recorder, live=self.live)
        self.connectors = Connectors(
            layout=self.layout,
            live=self.live,
            ledger=self.ledger,
            kept_energy=self.kept_energy,
            obedience=self.obedience,
            foreign=self.foreign,
            smart_charging=self.smart_charging,
        )

    def _make_user_rooms(self, storage_path: Path, files_path: Path) -> None:
        """Make what takes in the wishes of users."""
        self.remote = RemoteCommands(
            central=self.central, profiles=self.foreign, on_asked_back=self._asked_back
        )
        self.firmware_updates = FirmwareUpdates(
            folder=storage_path,
            files=files_path / "firmware",
            central=self.central,
            ledger=self.ledger,
            recorder=self.recorder,
            is_idle=partial(is_idle, self.live),
            spawn=self.tasks.spawn,
            on_change=self.timer.soon,
        )
        self.uploads = Uploads(folder=files_path / "uploads", central=self.central)
        self.user_settings = UserSettings(
            layout=self.layout,
            ledger=self.ledger,
            recorder=self.recorder,
            live=self.live,
            smart_charging=self.smart_charging,
            on_change=self.timer.step,
            on_asked_back=self._asked_back,
        )

    # What one room tells others

    def _tags_changed(self) -> None:
        self.local_lists.tags_changed()
        self.timer.soon()

    def _answered(self, answer: LimitAnswer) -> None:
        """Have a step taken: what a limit that was accepted leaves to others may wait a little."""
        if answer is LimitAnswer.ACCEPTED:
            self.timer.glance_soon()
        else:
            self.timer.soon()

    def _facts_changed(self) -> None:
        """Have the next step build the site anew with what is known of its chargers now."""
        self.layout.outdated = True
        self.timer.soon()

    def _asked_back(self, key: ConnectorKey) -> None:
        if key in self.live:
            self.obedience.asked_back(key)
            self.timer.within(COALESCE_S)
