-- What contradicts itself in the order ledger is told apart from rollups that are unlike it: a rebuild does not help there.
-- Runs before this one counted both as differences.

ALTER TABLE reconciliations
ADD COLUMN IF NOT EXISTS contradictions UInt64 DEFAULT 0 AFTER differences;
