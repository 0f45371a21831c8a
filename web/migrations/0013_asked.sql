-- What somebody asks by itself of name servers, without a match, stands in the same ledger: it has no round and no player.

create table probes_sent_anew (
    round_id text references rounds (id),   -- absent: asked for by itself
    player_id text references players (id), -- absent likewise
    caused_by text not null references users (id),  -- who booked the match, or asked
    way text not null,                      -- icmp, dns
    address text,                           -- forgotten after a day
    prefix text,                            -- of the address, forgotten with it
    packets bigint not null,                -- at most
    at bigint not null
);
insert into probes_sent_anew (round_id, player_id, caused_by, way, address, prefix, packets, at)
select round_id, player_id, caused_by, way, address, prefix, packets, at from probes_sent;
drop table probes_sent;
alter table probes_sent_anew rename to probes_sent;
create unique index probes_sent_in on probes_sent (round_id, player_id, way, address);
create index probes_sent_at on probes_sent (at);
create index probes_sent_to on probes_sent (address, at);
create index probes_sent_into on probes_sent (prefix, at);
create index probes_sent_by on probes_sent (caused_by, at);
