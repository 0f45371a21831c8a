-- "Wolves" and "wolves" are one name. `name_key` is the name in small letters, as the program writes it: the two databases
-- do not agree on which letters have capitals. Rows from before get theirs when the program opens the database; of several
-- that are alike the oldest gets it, and the others keep none: they stay, and no more of their kind come.
alter table clans add column name_key text;
alter table users add column name_key text;
alter table players add column name_key text;
create unique index clans_by_name on clans (name_key);
create unique index users_by_name on users (name_key);
create unique index players_by_name on players (clan_id, name_key) where removed_at is null;
