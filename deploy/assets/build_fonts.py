"""Builds assets/fonts from the full fonts: a CJK text face and a Latin number face whose digits all have one width.

Run once when a character is missing (tests/test_assets.py says which), then commit the results:

    apt-get install fonts-noto-cjk                              # the text face, SIL Open Font License 1.1
    npm pack @fontsource/barlow-semi-condensed@5.3.0 && tar xzf fontsource-barlow-semi-condensed-5.3.0.tgz
    python deploy/assets/build_fonts.py --barlow package        # needs fonttools and brotli (requirements-dev.txt)

It takes about a minute and asks no network.
"""

from __future__ import annotations

import argparse
from collections.abc import Iterable
from pathlib import Path

from fontTools.subset import Options, Subsetter
from fontTools.ttLib import TTCollection, TTFont

ROOT = Path(__file__).resolve().parents[2]
TARGET = ROOT / "assets" / "fonts"
NOTO = Path("/usr/share/fonts/opentype/noto")
FACE = "Noto Sans CJK SC"

# Where people's words stand; each character in them must be in the text face, in GB 2312 or not.
WORDS = ("locales/*.yaml", "metrics/**/*.yaml", "metrics/**/*.csv", "alerts/**/*.yaml", "layouts/**/*.yaml")
WORDS += ("ingest/**/*.yaml", "ingest/**/*.csv", "assets/maps/**/*.geojson")

LATIN = "".join(map(chr, [*range(0x20, 0x7F), *range(0xA0, 0x180)]))
SIGNS = "–—‘’“”†•…‰′″‹›€₩₫₹₽£¥$№™−×÷±≈≠≤≥∞√Δ∑←↑→↓↗↘↙↖⇧⇩▲△▼▽▶◀◆◇●○◎■□★☆✓✕✖⚠①②③④⑤⑥⑦⑧⑨⑩"
CJK_SIGNS = "".join(map(chr, [*range(0x3000, 0x3030), *range(0xFF01, 0xFF66), *range(0xFFE0, 0xFFE7)]))
NUMBERS = LATIN[:95] + "\u00a0¥€£¢±×÷°·–—‘’“”•…−\u2009\u202f≈≤≥→↑↓"


def gb2312_hanzi() -> str:
    """The 6 763 characters of GB 2312, levels one and two."""
    text = []
    for row in range(0xB0, 0xF8):
        for cell in range(0xA1, 0xFF):
            text.append(bytes((row, cell)).decode("gb2312", errors="ignore"))
    return "".join(text)


def project_words(root: Path = ROOT) -> str:
    """Every character of the files in `WORDS`."""
    return "".join({c for pattern in WORDS for path in root.glob(pattern) for c in path.read_text("utf-8")})


def cut(font: TTFont, characters: Iterable[str], features: list[str]) -> None:
    """Reduce `font` to `characters`, in place."""
    options = Options()
    options.layout_features = features
    options.hinting = False
    options.desubroutinize = True
    options.name_IDs = [0, 1, 2, 3, 4, 5, 6, 13, 14]  # copyright and licence stay inside the file
    options.notdef_outline = True
    options.drop_tables += ["vhea", "vmtx", "VORG", "BASE", "DSIG"]
    if not features:
        options.drop_tables += ["GPOS", "GSUB", "GDEF"]
    subsetter = Subsetter(options)
    subsetter.populate(unicodes={ord(c) for c in characters if c >= " "})
    subsetter.subset(font)


def use_tabular_digits(font: TTFont) -> None:
    """Make the one-width digits the ordinary ones, so that no style sheet can forget to ask for them."""
    tables = font["GSUB"].table
    wanted = {i for r in tables.FeatureList.FeatureRecord if r.FeatureTag == "tnum" for i in r.Feature.LookupListIndex}
    swaps = {a: b for i in wanted for s in tables.LookupList.Lookup[i].SubTable for a, b in s.mapping.items()}
    for table in font["cmap"].tables:
        table.cmap = {code: swaps.get(glyph, glyph) for code, glyph in table.cmap.items()}
    widths = {font["hmtx"][font.getBestCmap()[ord(digit)]][0] for digit in "0123456789"}
    if len(widths) != 1:
        raise SystemExit(f"the digits have {len(widths)} widths; this face has no tabular figures")


def save(font: TTFont, name: str) -> None:
    font.flavor = "woff2"
    path = TARGET / name
    font.save(path)
    print(f"{path.relative_to(ROOT)}  {path.stat().st_size / 1e6:.2f} MB")  # noqa: T201 -- a command's output


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--barlow", type=Path, required=True, help="unpacked @fontsource/barlow-semi-condensed")
    parser.add_argument("--noto", type=Path, default=NOTO, help="folder with NotoSansCJK-Regular.ttc and -Bold.ttc")
    chosen = parser.parse_args()
    TARGET.mkdir(parents=True, exist_ok=True)
    text = LATIN + SIGNS + CJK_SIGNS + gb2312_hanzi() + project_words()
    for weight in ("Regular", "Bold"):
        collection = TTCollection(chosen.noto / f"NotoSansCJK-{weight}.ttc")
        face = next(f for f in collection.fonts if str(f["name"].getDebugName(4)).removesuffix(" Bold") == FACE)
        cut(face, text, ["kern", "ccmp", "locl"])
        save(face, f"livewall-text-{weight.lower()}.woff2")
    for weight in (500, 700):
        number = TTFont(chosen.barlow / "files" / f"barlow-semi-condensed-latin-{weight}-normal.woff2")
        use_tabular_digits(number)
        cut(number, NUMBERS, [])  # no kerning either: it would move the digits again
        save(number, f"livewall-number-{weight}.woff2")


if __name__ == "__main__":
    main()
