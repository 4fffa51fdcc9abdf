"""What `make pictures` and `make sale` decide before a browser or a store is opened."""

from __future__ import annotations

from datetime import UTC, datetime, time
from pathlib import Path

import pytest

from app.store import demo_profile
from layouts.board import board_names
from tests.browser.pictures import FOLDER, LOCALES, SALE, THEMES, listing, name_of, shapes_of
from tests.browser.sale import editions, moment_of

AUTUMN = datetime(2026, 11, 28, 12, 0, tzinfo=UTC)


@pytest.mark.parametrize(
    ("now", "year"),
    [
        (AUTUMN, 2026),
        (datetime(2026, 11, 10, 16, 0, tzinfo=UTC), 2026),  # the midnight in Shanghai at which it begins
        (datetime(2026, 11, 10, 15, 59, tzinfo=UTC), 2025),
        (datetime(2027, 1, 1, tzinfo=UTC), 2026),
    ],
)
def test_a_rehearsal_is_of_the_last_sale_and_has_the_one_before_it(now: datetime, year: int) -> None:
    sale, before = editions(demo_profile(), now)
    zone = demo_profile().zone
    assert (sale.start.astimezone(zone).isoformat()[:16], before.start.astimezone(zone).year) == (
        f"{year}-11-11T00:00",
        year - 1,
    )


def test_the_clock_of_a_rehearsal_stands_in_the_sale() -> None:
    profile = demo_profile()
    sale, _ = editions(profile, AUTUMN)
    moment = moment_of(sale, time(20, 30), profile)
    assert sale.start < moment < sale.end and moment.astimezone(UTC) == datetime(2026, 11, 11, 12, 30, tzinfo=UTC)
    with pytest.raises(ValueError, match="does not run at 00:00"):
        moment_of(sale, time(0, 0), profile)


def test_the_page_of_pictures_keeps_what_people_wrote_and_shows_every_file(tmp_path: Path) -> None:
    page = tmp_path / "pictures.md"
    page.write_text("# Pictures\n\nLooked at.\n\n## old\n\n![gone](gone.webp)\n", encoding="utf-8")
    text = listing(board_names(), page)
    assert text.startswith("# Pictures\n\nLooked at.\n\n## event\n") and "gone" not in text
    wanted = {
        name_of(name, shape, locale, theme)
        for name in (*board_names(), SALE)
        for shape in shapes_of(name)
        for locale in LOCALES
        for theme in THEMES
    }
    assert {shown.partition(")")[0] for shown in text.split("img/boards/")[1:]} == wanted
    assert {path.name for path in FOLDER.iterdir()} == wanted, "and no other picture is kept"
