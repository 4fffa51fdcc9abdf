"""What the terminal says while the wall gets ready: one place for its words and its progress bars."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from contextlib import contextmanager

from rich.console import Console
from rich.progress import BarColumn, Progress, TaskProgressColumn, TextColumn, TimeElapsedColumn, TimeRemainingColumn

console = Console(highlight=False, soft_wrap=True)  # lines in a log stay lines
Step = Callable[[int, int], None]  # (done, total), in rows


@contextmanager
def progress_bar(title: str) -> Iterator[Step]:
    """A bar with rate and remaining time; plain lines every tenth when the output is not a terminal."""
    if not console.is_terminal:
        yield _plain(title)
        return
    columns = (
        TextColumn("{task.description}"),
        BarColumn(),
        TaskProgressColumn(),
        TextColumn("{task.fields[rate]}"),
        TimeElapsedColumn(),
        TimeRemainingColumn(),
    )
    with Progress(*columns, console=console) as bar:
        task = bar.add_task(title, total=None, rate="")

        def step(done: int, total: int) -> None:
            speed = bar.tasks[0].speed or 0
            bar.update(task, completed=done, total=total or None, rate=f"{speed:,.0f} rows/s")

        yield step


def _plain(title: str) -> Step:
    said = [-1]

    def step(done: int, total: int) -> None:
        tenth = int(10 * done / total) if total else 0
        if tenth != said[0]:
            said[0] = tenth
            console.print(f"{title} {tenth * 10} % ({done:,} of {total:,} rows)")

    return step
