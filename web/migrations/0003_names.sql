-- "Wolves" and "wolves" are one name. Which letters beyond A to Z have capitals is the database's to know.
create unique index clans_by_name on clans (lower(name));
create unique index users_by_name on users (lower(name));
drop index players_of_clan;
create unique index players_of_clan on players (clan_id, lower(name)) where removed_at is null;
