"""The only place where the parts meet: settings, store and clock in, a wall with a beating heart out."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass, field, replace
from datetime import datetime
from typing import Any

from dash import Dash
from flask_caching import Cache

from alerts.engine import AlertEngine
from alerts.measures import measures_of
from alerts.rules import load_rules
from app.api import serve_api
from app.asking import Asking, answer_now
from app.build import ROOT, build_id
from app.frames import cache_settings
from app.gallery import serve_gallery
from app.given import Given
from app.health import serve_health
from app.members import Members
from app.metrics_page import Meters, MetricsTeller, Standing, serve_metrics
from app.screens_api import Desk, ScreensApi, serve_screens
from app.security import protect
from app.settings import Settings
from app.sharing import Voice, make_sharing, newest_beat, readiness, share_latency, wall_name
from app.static import plotly_url, serve_plotly
from callbacks import register
from callbacks.deps import Deps
from core.clock import Clock
from layouts.gallery_page import build_gallery
from layouts.page import dash_options
from layouts.shell import Screen, build_shell
from live.health import Beat, Took
from live.latency import PixelLatency
from live.latency_peers import LatencyPeers
from live.screen_book import MemoryBook
from live.screen_redis import RedisBook
from live.screens import Screens
from live.sharing import Sharing
from live.store import SnapshotStore
from live.ticker import INFO_EVERY_S, Ticker
from metrics.ask import Question
from metrics.profile import StoreProfile
from metrics.reading import Answer
from metrics.snapshot import marker_of
from queries.client import ClickHouse
from queries.members import load_members
from queries.reconciliations import drift_of

# Ticks come so long after the second turned that what happened before it is in the store; or a moment after, and wait.
AFTER_S, SOON_S = 0.25, 0.06
BEAT_S = 10.0  # seconds between the heartbeats of a screen


@dataclass(frozen=True)
class Wall:
    """A store with everything that shows it. `start()` beats, `stop()` ends cleanly; the Dash app is `dash`."""

    given: Given
    members: Members
    store: SnapshotStore
    ticker: Ticker
    screens: Screens
    dash: Dash
    pixels: PixelLatency
    sharing: Sharing | None = None
    meters: Meters = field(default_factory=Meters)
    tellers: Sequence[MetricsTeller | LatencyPeers] = ()  # what processes tell each other beside the beat

    def start(self) -> None:
        """Begin to beat. Adds no routes any more: the first page is asked for here, because a cold Dash that meets
        several threads at once can answer HTTP 500."""
        with self.dash.server.test_client() as warm:
            warm.get("/")
        if self.sharing is not None:
            self.sharing.start()
        for teller in self.tellers:
            teller.start()
        self.ticker.start()

    def stop(self) -> None:
        """Ends asking first, then hands over, so that nothing is asked twice."""
        self.ticker.stop()
        if self.sharing is not None:
            self.sharing.stop()
        for teller in self.tellers:
            teller.stop()
        self.screens.save()

    def ask(self, question: Question) -> Answer:
        """Answer one question as tiles are answered: narrowed by the process's limits."""
        return answer_now(self.given, question)


def build_wall(
    settings: Settings,
    clickhouse: ClickHouse,
    profile: StoreProfile,
    clock: Clock,
    settle: Callable[[float], object] | None = None,
) -> Wall:
    """Put the parts together for an open store. Nothing runs until `start()`. `settle` waits, so many seconds at most,
    for what is on its way into the store, where that is known in this process."""
    given = Given.read(settings, clickhouse, profile, clock)
    catalogue = given.definitions.catalogue
    members = Members(catalogue, given.regions, profile.region_level, lambda: load_members(clickhouse), clock)
    screens, build = build_screens(given), build_id(first_page(given), given.definitions.boards)
    asking = Asking(given, members, screens, build)

    store, meters = SnapshotStore(clock, limit=settings.scopes), Meters()
    clickhouse.heard, pixels = meters.statement, PixelLatency(clock, meters.pixel, meters.stage)
    sharing = make_sharing(settings, profile, build, given.tick_s, store, members, clock)
    engine = build_engine(given, asking, members, screens, sharing)
    ticker = build_ticker(given, asking, engine, store, meters, pixels, sharing, settle)
    if sharing is not None:
        sharing.connect_ticker(ticker.resume, ticker.wake, engine.reread)
    meters.registry.register(
        Standing(
            store,
            leads=lambda: sharing is None or sharing.leads(),
            alone=lambda: sharing is not None and sharing.alone,
            watermarks=lambda: ticker.watermarks,
            alerts=lambda: ticker.alerts,
        )
    )

    cache = Cache(config=cache_settings(settings.redis_url))
    deps = build_deps(given, build, members, store, ticker, sharing, pixels, meters.counted(cache))
    dash = create_app(given, deps, lambda: readiness(ticker, sharing, clock))
    cache.init_app(dash.server)
    latencies = share_latency(settings, profile, sharing, pixels)
    wall = Wall(
        given,
        members,
        store,
        ticker,
        screens,
        dash,
        pixels,
        sharing,
        meters,
        [MetricsTeller(meters, sharing.exchange), latencies] if sharing and latencies else (),
    )
    desk, boards = Desk.of(settings), given.definitions.boards
    serve_screens(dash.server, ScreensApi(screens, desk, build, boards, catalogue, members.of, given.calendar, clock))
    serve_api(dash.server, given)
    told = sharing.exchange if sharing else None
    serve_metrics(dash.server, meters, told, told.process if told else "")
    protect(dash)
    return wall


def build_screens(given: Given) -> Screens:
    """The registry of screens: shared through Redis by the processes of a wall, else beside the store."""
    settings = given.settings
    if settings.redis_url:
        return Screens(RedisBook(settings.redis_url, wall_name(settings, given.profile)), given.clock)
    return Screens(MemoryBook(settings.store / "screens.json"), given.clock)


def build_engine(
    given: Given, asking: Asking, members: Members, screens: Screens, sharing: Sharing | None
) -> AlertEngine:
    """The alerts, evaluated over the same questions as the tiles. Raises DefinitionError for a wrong rule."""
    voice, measures = Voice(given.settings), measures_of(given.definitions.catalogue)
    return AlertEngine(
        load_rules(measures),
        fetch=asking.answer,
        measures=measures,
        calendar=given.calendar,
        members=lambda dimension: members.of(dimension) or (),
        label=given.labels.of,
        currency=given.profile.currency,
        state_path=given.settings.store / "alerts.json",
        lateness_s=given.profile.lateness_s,
        drift=lambda: drift_of(given.clickhouse),
        shared=sharing,
        acts=lambda: sharing is None or voice.acts(sharing),
        walls=screens.walls,
    )


def build_ticker(
    given: Given,
    asking: Asking,
    engine: AlertEngine,
    store: SnapshotStore,
    meters: Meters,
    pixels: PixelLatency,
    sharing: Sharing | None,
    settle: Callable[[float], object] | None,
) -> Ticker:
    """What beats: it asks for the scopes in use, has alerts evaluated, and fills the store of snapshots."""

    def beaten(beat: Beat) -> None:
        meters.beat(beat)
        pixels.passed("asked", marker_of(ticker.watermarks))

    ticker = Ticker(
        plan=asking.plan,
        fetch=asking.answer,
        watermarks=asking.reached,
        observe=engine.observe,
        store=store,
        clock=given.clock,
        calendar=given.calendar,
        tick_s=given.tick_s,
        after_s=AFTER_S if settle is None else SOON_S,
        settle=settle or (lambda _: None),
        readers=given.settings.readers,
        join=asking.join,
        peers=sharing,
        heard=beaten,
        every_tick_s=0.0 if given.settings.log_ticks == "all" else INFO_EVERY_S,
    )
    return ticker


def build_deps(
    given: Given,
    build: str,
    members: Members,
    store: SnapshotStore,
    ticker: Ticker,
    sharing: Sharing | None,
    pixels: PixelLatency,
    cache: Any,
) -> Deps:
    """What callbacks work with."""
    took = Took(given.tick_s)

    def slowed() -> float:
        beat = newest_beat(ticker, sharing)
        return beat.slowed_s if beat else 0.0

    def answered(as_of: datetime) -> tuple[float, float]:
        return took.answered(as_of, newest_beat(ticker, sharing))

    return Deps(
        catalogue=given.definitions.catalogue,
        labels=given.labels,
        profile=given.profile,
        regions=given.regions,
        calendar=given.calendar,
        goals=given.definitions.goals,
        words=given.definitions.words,
        boards=given.definitions.boards,
        clock=given.clock,
        store=store,
        cache=cache,
        members=members.of,
        narrow=lambda scope: scope,  # one process has one audience today; questions are narrowed by ONLY
        boot=store.boot,
        build=build,
        tick=given.settings.tick,
        slowed=slowed,
        pixels=pixels,
        answered=answered,
        held=given.settings.threads // 3,
    )


def create_app(given: Given, deps: Deps, ready: Callable[[], tuple[bool, dict[str, Any]]]) -> Dash:
    """The Dash app: page, callbacks, static files and health; no thread is started."""
    options = dash_options(given.profile.name, plotly_url())
    dash = Dash("livewall", assets_folder=str(ROOT / "assets"), **options)
    # DASH_* variables of the machine must not switch parts of them on
    for tool in ("ui", "hot_reload", "props_check", "serve_dev_bundles"):
        dash._dev_tools[tool] = False
    dash.layout = first_page(given, deps.build)
    register(dash, deps)
    made = given.definitions
    serve_plotly(dash.server)
    serve_gallery(dash.server, lambda: build_gallery(made.boards, made.catalogue, made.words, plotly_url(), deps.build))
    serve_health(dash.server, ready)
    return dash


def first_page(given: Given, build: str = "") -> Any:
    """The page as it starts. The build follows from it, so that it is made once without."""
    made = given.definitions
    return build_shell(made.boards, replace(first_screen(given.settings), build=build), given.profile, made.words)


def first_screen(settings: Settings) -> Screen:
    """How pages start by these settings, before the build is known that follows from it."""
    return Screen(
        settings.board,
        settings.locale,
        "",
        settings.tick,
        light=settings.light_hours,
        beat_s=BEAT_S,
        steering=Desk.of(settings).steering,
    )
