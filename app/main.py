"""The only place where the parts meet: settings, store and clock in, a wall with a beating heart out."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass, field, replace
from datetime import datetime
from pathlib import Path
from typing import Any

from dash import Dash
from flask_caching import Cache

from alerts.engine import AlertEngine
from alerts.measures import measures_of
from alerts.rules import load_rules
from app.api import serve_api
from app.build import ROOT, build_id
from app.frames import cache_settings
from app.gallery import serve_gallery
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
from core.errors import BadRequestError, UnknownNameError
from layouts.board import Board, load_boards
from layouts.gallery_page import build_gallery
from layouts.page import dash_options
from layouts.plan import plan_board
from layouts.shell import Screen, build_shell
from layouts.view import PlanContext
from live.health import Beat, Took
from live.latency import PixelLatency
from live.latency_peers import LatencyPeers
from live.screen_book import MemoryBook
from live.screen_redis import RedisBook
from live.screen_rows import screen_row
from live.screens import Screens
from live.sharing import Sharing
from live.store import SnapshotStore
from live.ticker import INFO_EVERY_S, Ticker
from locales.words import Words, load_words
from metrics.ask import SCREENS, Facts, Filters, Question, make_filters
from metrics.calendar import BusinessCalendar
from metrics.catalogue import Catalogue, load_catalogue
from metrics.goals import Goal, load_goals
from metrics.labels import Labels
from metrics.limits import narrow_question
from metrics.profile import StoreProfile
from metrics.reading import Answer, Findings, Joint
from metrics.regions import RegionSet, load_region_set
from metrics.scope import Scope
from metrics.snapshot import PlannedTile, marker_of
from queries.builder import Store
from queries.client import ClickHouse
from queries.closed import ClosedSpans
from queries.days import serves_days
from queries.members import load_members
from queries.own_sources import own_of
from queries.readings import fetch
from queries.reconciliations import drift_of
from queries.together import Together
from queries.watermark import watermarks

# Ticks come so long after the second turned that what happened before it is in the store; or a moment after, and wait.
AFTER_S, SOON_S = 0.25, 0.06
BEAT_S = 10.0  # seconds between the heartbeats of a screen


@dataclass(frozen=True)
class Definitions:
    """Everything that is data and checked before a screen goes up."""

    catalogue: Catalogue
    goals: Sequence[Goal]
    boards: dict[str, Board]
    words: dict[str, Words]

    @classmethod
    def load(cls, own_boards: Path | None = None) -> Definitions:
        """Raises the first DefinitionError there is."""
        catalogue = load_catalogue()
        return cls(
            catalogue=catalogue,
            goals=load_goals(catalogue.metrics),
            boards=load_boards(own_boards),
            words={locale: load_words(locale) for locale in ("zh", "en")},
        )


@dataclass(frozen=True)
class Wall:
    """A store with everything that shows it. `start()` beats, `stop()` ends cleanly; the Dash app is `dash`."""

    settings: Settings
    clickhouse: ClickHouse
    profile: StoreProfile
    regions: RegionSet
    definitions: Definitions
    members: Members
    limits: Filters
    store: SnapshotStore
    ticker: Ticker
    screens: Screens
    clock: Clock
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
        return fetch(
            self.clickhouse,
            self.definitions.catalogue,
            self.profile,
            self.regions,
            narrow_question(question, self.limits),
            self.clock.now(),
        )


def read_limits(text: str, catalogue: Catalogue) -> Filters:
    """`ONLY=large_region=east;channel=live,mall` as filters. Raises UnknownNameError or BadRequestError."""
    wanted: dict[str, list[str]] = {}
    for part in filter(None, (part.strip() for part in text.split(";"))):
        dimension, separator, codes = part.partition("=")
        if not separator or not codes:
            raise BadRequestError(f"ONLY={text!r}: write dimension=code,code")
        catalogue.dimension(dimension.strip())
        wanted[dimension.strip()] = [code.strip() for code in codes.split(",") if code.strip()]
    return make_filters(wanted)


def build_wall(
    settings: Settings,
    clickhouse: ClickHouse,
    profile: StoreProfile,
    clock: Clock,
    settle: Callable[[float], object] | None = None,
) -> Wall:
    """Put the parts together for an open store. Nothing runs until `start()`. `settle` waits, so many seconds at most,
    for what is on its way into the store, where that is known in this process."""
    definitions = Definitions.load(settings.boards)
    catalogue, regions = definitions.catalogue, load_region_set(profile.region_set)
    calendar, labels = BusinessCalendar.of(profile), Labels(catalogue, regions, simulated=profile.simulated)
    limits = read_limits(settings.only, catalogue)
    if settings.board not in definitions.boards:
        raise UnknownNameError("board", settings.board, sorted(definitions.boards))
    members = Members(catalogue, regions, profile.region_level, lambda: load_members(clickhouse), clock)

    own = own_of(clickhouse).rollups
    asked = Store(catalogue, profile, regions, serves_days(clickhouse, profile), own)
    closed = ClosedSpans(clickhouse, asked, clock)

    screens, first = build_screens(settings, profile, clock), first_screen(settings)
    build = build_id(build_shell(definitions.boards, first, profile, definitions.words), definitions.boards)

    def answer(question: Question, now: datetime) -> Answer:
        if isinstance(question, Facts) and question.topic == SCREENS:
            return Findings(question, tuple(screen_row(view, build, now) for view in screens.views()), now)
        return closed.fetch(narrow_question(question, limits), now)

    together = Together(closed, clickhouse, asked, clock)

    def join(questions: Sequence[Question], fetch: Callable[[Question, datetime], Answer], now: datetime) -> Joint:
        narrowed = {question: narrow_question(question, limits) for question in questions}
        joint = together.join(tuple(dict.fromkeys(narrowed.values())), fetch, now)
        return Joint({question: joint.answers[narrow] for question, narrow in narrowed.items()}, joint.works)

    def plan(board: str, scope: Scope, as_of: datetime) -> Sequence[PlannedTile]:
        as_of = shown_until(as_of)
        day = scope.day or calendar.day_of(as_of)
        return plan_board(
            definitions.boards[board], PlanContext(scope, as_of, day, calendar, catalogue, profile, regions)
        )

    def reached(now: datetime) -> Any:
        members.refresh()
        return watermarks(clickhouse, now, shown_until(now))

    store, meters = SnapshotStore(clock, limit=settings.scopes), Meters()
    clickhouse.heard, pixels = meters.statement, PixelLatency(clock, meters.pixel, meters.stage)
    tick_s = settings.tick or definitions.boards[settings.board].tick
    sharing, voice = make_sharing(settings, profile, build, tick_s, store, members, clock), Voice(settings)
    measures = measures_of(catalogue)
    engine = AlertEngine(
        load_rules(measures),
        fetch=answer,
        measures=measures,
        calendar=calendar,
        members=lambda dimension: members.of(dimension) or (),
        label=labels.of,
        currency=profile.currency,
        state_path=settings.store / "alerts.json",
        lateness_s=profile.lateness_s,
        drift=lambda: drift_of(clickhouse),
        shared=sharing,
        acts=lambda: sharing is None or voice.acts(sharing),
        walls=screens.walls,
    )

    def beaten(beat: Beat) -> None:
        meters.beat(beat)
        pixels.passed("asked", marker_of(ticker.watermarks))

    ticker = Ticker(
        plan=plan,
        fetch=answer,
        watermarks=reached,
        observe=engine.observe,
        store=store,
        clock=clock,
        calendar=calendar,
        tick_s=tick_s,
        after_s=AFTER_S if settle is None else SOON_S,
        settle=settle or (lambda _: None),
        readers=settings.readers,
        join=join,
        peers=sharing,
        heard=beaten,
        every_tick_s=0.0 if settings.log_ticks == "all" else INFO_EVERY_S,
    )
    if sharing is not None:
        sharing.connect_ticker(ticker.resume, ticker.wake, engine.reread)
    latencies = share_latency(settings, profile, sharing, pixels)

    meters.registry.register(
        Standing(
            store,
            leads=lambda: sharing is None or sharing.leads(),
            alone=lambda: sharing is not None and sharing.alone,
            watermarks=lambda: ticker.watermarks,
            alerts=lambda: ticker.alerts,
        )
    )

    def ready() -> tuple[bool, dict[str, Any]]:
        return readiness(ticker, sharing, clock)

    def slowed() -> float:
        beat = newest_beat(ticker, sharing)
        return beat.slowed_s if beat else 0.0

    took = Took(tick_s)

    def answered(as_of: datetime) -> tuple[float, float]:
        return took.answered(as_of, newest_beat(ticker, sharing))

    dash = create_app(
        settings,
        profile,
        definitions,
        regions,
        labels,
        calendar,
        members,
        store,
        build,
        clock,
        ready,
        meters,
        pixels,
        slowed,
        answered,
    )
    wall = Wall(
        settings,
        clickhouse,
        profile,
        regions,
        definitions,
        members,
        limits,
        store,
        ticker,
        screens,
        clock,
        dash,
        pixels,
        sharing,
        meters,
        [MetricsTeller(meters, sharing.exchange), latencies] if sharing and latencies else (),
    )
    desk = Desk.of(settings)
    serve_screens(
        dash.server, ScreensApi(screens, desk, build, definitions.boards, catalogue, members.of, calendar, clock)
    )
    serve_api(dash.server, wall)
    told = sharing.exchange if sharing else None
    serve_metrics(dash.server, meters, told, told.process if told else "")
    protect(dash)
    return wall


def create_app(
    settings: Settings,
    profile: StoreProfile,
    definitions: Definitions,
    regions: RegionSet,
    labels: Labels,
    calendar: BusinessCalendar,
    members: Members,
    store: SnapshotStore,
    build: str,
    clock: Clock,
    ready: Callable[[], tuple[bool, dict[str, Any]]],
    meters: Meters,
    pixels: PixelLatency,
    slowed: Callable[[], float],
    answered: Callable[[datetime], tuple[float, float]],
) -> Dash:
    """The Dash app: page, callbacks, static files and health; no thread is started."""
    options = dash_options(profile.name, plotly_url())
    dash = Dash("livewall", assets_folder=str(ROOT / "assets"), **options)
    # DASH_* variables of the machine must not switch parts of them on
    for tool in ("ui", "hot_reload", "props_check", "serve_dev_bundles"):
        dash._dev_tools[tool] = False
    cache = Cache(config=cache_settings(settings.redis_url))
    cache.init_app(dash.server)
    screen = replace(first_screen(settings), build=build)
    dash.layout = build_shell(definitions.boards, screen, profile, definitions.words)
    register(
        dash,
        Deps(
            catalogue=definitions.catalogue,
            labels=labels,
            profile=profile,
            regions=regions,
            calendar=calendar,
            goals=definitions.goals,
            words=definitions.words,
            boards=definitions.boards,
            clock=clock,
            store=store,
            cache=meters.counted(cache),
            members=members.of,
            narrow=lambda scope: scope,  # one process has one audience today; questions are narrowed by ONLY
            boot=store.boot,
            build=build,
            tick=settings.tick,
            slowed=slowed,
            pixels=pixels,
            answered=answered,
            held=settings.threads // 3,
        ),
    )
    serve_plotly(dash.server)
    serve_gallery(
        dash.server,
        lambda: build_gallery(definitions.boards, definitions.catalogue, definitions.words, plotly_url(), build),
    )
    serve_health(dash.server, ready)
    return dash


def shown_until(now: datetime) -> datetime:
    """The moment up to which a tick asks: whole seconds are answered by one table."""
    return now.replace(microsecond=0)


def build_screens(settings: Settings, profile: StoreProfile, clock: Clock) -> Screens:
    """The registry of screens: shared through Redis by the processes of a wall, else beside the store."""
    if settings.redis_url:
        return Screens(RedisBook(settings.redis_url, wall_name(settings, profile)), clock)
    return Screens(MemoryBook(settings.store / "screens.json"), clock)


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
