-- Players come by a private link of their clan, and say whether hosts may send them echo requests.

alter table players add column consent text not null default 'typed';   -- typed, vouched, own, declined
alter table players add column consent_by text;                         -- whose word it is, of vouched
alter table players add column consent_at bigint;                       -- since when
alter table players add column address_at bigint not null default 0;    -- when the address was entered, or last come from
update players set address_at = created_at;

-- One live link per clan and match. Only the hash of its token is kept.
create table player_links (
    token_hash text primary key,
    match_id text not null references matches (id),
    clan_id text not null references clans (id),
    created_by text not null references users (id),
    created_at bigint not null
);
create unique index player_links_of_match on player_links (match_id, clan_id);

-- One time that somebody opens a link to measure.
create table visits (
    nonce text primary key,
    token_hash text not null references player_links (token_hash),
    ticket text not null,                   -- what hosts let pass, while it is good
    offered text not null,                  -- ids of the hosts that were offered, as JSON
    begun_at bigint not null,
    player_id text references players (id), -- who it was, once the result is there
    used_at bigint
);
create index visits_of_link on visits (token_hash);
create index visits_begun on visits (begun_at);

-- Matches that wait for their turn to be measured, by the round that they will get; ids grow with time.
create table turns (
    round_id text primary key,
    match_id text not null unique references matches (id)
);

-- What hosts were told to send to players, for the limits.
create table probes_sent (
    round_id text not null references rounds (id),
    player_id text not null references players (id),
    caused_by text not null references users (id),  -- who booked the match
    way text not null,                      -- icmp, dns
    address text,                           -- forgotten after a day
    prefix text,                            -- of the address, forgotten with it
    packets bigint not null,                -- at most
    at bigint not null,
    primary key (round_id, player_id, way)
);
create index probes_sent_at on probes_sent (at);
create index probes_sent_to on probes_sent (address, at);
create index probes_sent_into on probes_sent (prefix, at);
create index probes_sent_by on probes_sent (caused_by, at);
