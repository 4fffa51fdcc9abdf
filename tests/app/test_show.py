"""What commands say about a load, in words for people."""

from __future__ import annotations

import re

from app.commands.show import WORDS
from tests.conftest import ROOT

SAID_IN_SQL = re.compile(r"\('([a-z]+_[a-z]+)',")
WRITTEN = ("queries/cells.py", "queries/intake.py", "queries/staging.py", "ingest/rows.py")


def test_every_reason_that_refuses_a_row_has_words() -> None:
    texts = "\n".join((ROOT / path).read_text("utf-8") for path in WRITTEN)
    reasons = set(SAID_IN_SQL.findall(texts)) | set(re.findall(r'"((?:bad|unknown|wrong|missing)_[a-z]+)"', texts))
    assert {"missing_value", "missing_lookup", "bad_amount", "wrong_columns", "bad_encoding", "repeated_id"} <= reasons
    assert reasons - {"created_at"} <= set(WORDS), reasons - set(WORDS)
    assert all(words != reason for reason, words in WORDS.items())
