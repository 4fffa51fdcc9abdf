"""Opening stocks: which one a store has, and what a wrong file is told."""

from __future__ import annotations

from pathlib import Path

import pytest

from core.errors import DefinitionError
from ingest.world import load_world
from metrics.profile import StoreProfile
from metrics.stock import load_stock, stock_of

SHOP = "stock:\n  - {store: 茶铺, opening: {tea: 20, pot: 3}}\n"


def written(folder: Path, text: str) -> Path:
    path = folder / "stock.yaml"
    path.write_text(text, encoding="utf-8")
    return path


def test_a_store_has_the_stock_of_its_name_in_either_language(tmp_path: Path) -> None:
    stocks = load_stock(written(tmp_path, SHOP + "  - {store: Cup Shop, opening: {cup: 7}}\n"))
    named = stock_of(stocks, StoreProfile(name="茶铺", name_en="Tea Shop"))
    assert named is not None and named.opening == {"tea": 20, "pot": 3}
    english = stock_of(stocks, StoreProfile(name="杯店", name_en="Cup Shop"))
    assert english is not None and english.opening == {"cup": 7}
    assert stock_of(stocks, StoreProfile(name="nobody's")) is None


def test_only_a_simulated_store_has_the_demos_stock_and_only_of_articles_it_sells() -> None:
    demo = stock_of(load_stock(), StoreProfile(name="x", simulated=True))
    assert demo is not None
    assert set(demo.opening) <= set(load_world().codes["sku"])
    assert stock_of(load_stock(), StoreProfile(name="x")) is None


@pytest.mark.parametrize(
    ("text", "said"),
    [
        ("stock:\n  - {store: a, opening: {tea: 0}}\n", "tea: an opening stock is a number of pieces above 0"),
        ("stock:\n  - {store: a, opening: {tea: many}}\n", "stock[0].opening.tea"),
        ("stock:\n  - {store: a, opening: {}, pieces: 3}\n", "stock[0].pieces"),
        ("stock:\n  - {opening: {tea: 1}}\n", "stock[0].store"),
        (SHOP + "  - {store: 茶铺, opening: {tea: 1}}\n", "stock[1]: a second stock for '茶铺'"),
    ],
)
def test_a_wrong_file_names_entry_and_problem(tmp_path: Path, text: str, said: str) -> None:
    with pytest.raises(DefinitionError) as caught:
        load_stock(written(tmp_path, text))
    assert "stock.yaml" in str(caught.value) and said in str(caught.value)
