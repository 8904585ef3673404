-- How an approved server was started, as it was shown, so that a change can be named and not only noticed. NULL: approved before this was kept.
ALTER TABLE approved_launch ADD COLUMN started TEXT CHECK (started IS NULL OR json_valid(started));
