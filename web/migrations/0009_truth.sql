-- What games said of their players' round trips during matches.
create table pings (
    vm_id text not null references vms (id),
    match_id text not null references matches (id),
    number bigint not null,                 -- of the agent's question; with the VM it makes a row come once
    name text not null,                     -- as the player is called in the game
    ping_ms bigint not null,
    at bigint not null,
    primary key (vm_id, number, name)
);
create index pings_of_match on pings (match_id);

-- How far what was promised was from what was observed, by host and source.
create table learned (
    host_id text not null references hosts (id),
    source text not null,                   -- icmp, udp, browser, king
    promises bigint not null,               -- how many it was learned from
    error_us bigint not null,
    primary key (host_id, source)
);
