-- What an entry says of itself beyond where it is and what it starts (publisher, pinned, what it approves by itself, what it may reach): one
-- object, because it is only ever read whole. Rows from before have none of it until their file is read again, which every look does.
ALTER TABLE server ADD COLUMN described TEXT NOT NULL DEFAULT '{}' CHECK (json_valid(described));
