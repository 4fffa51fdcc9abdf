"""Stock: how many pieces of an article a store has when its business day begins, from `stock.yaml`."""

from __future__ import annotations

from collections.abc import Sequence
from functools import lru_cache
from pathlib import Path

from pydantic import BaseModel, ConfigDict, ValidationError, field_validator

from core.errors import DefinitionError
from metrics.definition_file import read_definitions
from metrics.goals import DEMO
from metrics.profile import StoreProfile

FILE = Path(__file__).parent / "stock.yaml"


class Stock(BaseModel):
    """The opening stock of one store, pieces by SKU. `store` is its name in either language, or `demo`."""

    model_config = ConfigDict(frozen=True, extra="forbid")

    store: str
    opening: dict[str, int]

    @field_validator("opening")
    @classmethod
    def _pieces(cls, opening: dict[str, int]) -> dict[str, int]:
        wrong = next((code for code, pieces in opening.items() if pieces <= 0), None)
        if wrong:
            raise ValueError(f"{wrong}: an opening stock is a number of pieces above 0")
        return opening


@lru_cache(maxsize=4)
def load_stock(path: Path = FILE) -> tuple[Stock, ...]:
    """All stocks. Raises DefinitionError naming file, entry and problem."""
    found: list[Stock] = []
    for index, entry in enumerate(read_definitions(path).get("stock") or ()):
        try:
            stock = Stock.model_validate(entry)
        except ValidationError as problem:
            first = problem.errors()[0]
            where = ".".join([f"stock[{index}]", *map(str, first["loc"])])
            raise DefinitionError(path.name, where, first["msg"].removeprefix("Value error, ")) from problem
        if any(stock.store == other.store for other in found):
            raise DefinitionError(path.name, f"stock[{index}]", f"a second stock for {stock.store!r}")
        found.append(stock)
    return tuple(found)


def stock_of(stocks: Sequence[Stock], profile: StoreProfile) -> Stock | None:
    """A store's opening stock, or None where nobody wrote one down."""
    names = {profile.name, profile.name_en} | ({DEMO} if profile.simulated else set())
    return next((stock for stock in stocks if stock.store in names), None)
