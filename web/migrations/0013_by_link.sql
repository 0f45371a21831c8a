-- Of whom a sentence is: their own clan and staff read the name.
alter table story add column player_id text references players (id);
