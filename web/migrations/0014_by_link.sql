-- Of whom a sentence is: their own clan and staff read the name.
alter table story add column player_id text references players (id);

-- Whether the match waits for who comes by a link: open, gathering, complete.
alter table player_links add column stage text not null default 'open';
