-- One text for SQLite and PostgreSQL: ids TEXT (UUID v7), times BIGINT milliseconds UTC, JSON as TEXT.

create table clans (
    id text primary key,
    name text not null unique,
    created_at bigint not null
);

create table users (
    id text primary key,
    name text not null unique,
    password_hash text not null,
    role text not null,                     -- clan_admin, organiser, operator
    clan_id text references clans (id),     -- present for clan_admin
    epoch bigint not null default 0,        -- grows with each change of the password: sessions of another are over
    created_at bigint not null
);

create table sessions (
    id text primary key,
    data text not null,
    expires_at bigint not null
);

-- One-time links and tokens. Only hashes are kept.
create table links (
    token_hash text primary key,
    kind text not null,                     -- first_admin, clan_admin, join_host
    clan_id text references clans (id),     -- the clan that the new admin gets
    match_id text,                          -- where the invited is taken to
    created_by text references users (id),
    created_at bigint not null,
    expires_at bigint not null,
    used_at bigint
);

create table api_tokens (
    id text primary key,
    user_id text not null references users (id),
    name text not null,
    token_hash text not null unique,
    created_at bigint not null
);

create table players (
    id text primary key,
    clan_id text not null references clans (id),
    name text not null,
    address text not null,                  -- as entered: address or host name; seen by the engine and the own clan only
    created_at bigint not null,
    removed_at bigint                       -- kept for the matches it played in; its address is forgotten
);
create unique index players_of_clan on players (clan_id, name) where removed_at is null;

create table sites (
    id text primary key,
    name text not null unique
);

create table hosts (
    id text primary key,
    site_id text not null references sites (id),
    name text not null unique,
    public_address text not null,
    ports text not null,
    slots bigint not null,
    role text not null,
    facts text not null,                    -- wire Facts as JSON
    secret_hash text not null unique,
    joined_at bigint not null,
    holds bigint not null,                  -- grows with every change of its reservations: the guard against double booking
    incarnation bigint not null,            -- of the newest report
    sequence bigint not null,
    report text,                            -- the newest report as JSON
    reported_at bigint,
    orders text not null,                   -- wire Orders as JSON
    generation bigint not null,
    ordered_at bigint not null,             -- when this generation was committed
    reach_nonce text not null,              -- what its beacon answers
    reached_at bigint                       -- when its public address was first seen from outside
);

create table snapshots (
    id text primary key,                    -- digest of the manifest
    name text not null,                     -- contract.name; the newest of a name is what bookings use
    manifest text not null,                 -- its very bytes: their digest is the id
    facts text not null,                    -- contract, key, boot time: the manifest without its chunk lists
    created_at bigint not null
);

create table matches (
    id text primary key,
    image text not null,
    map text not null,
    home_clan_id text not null references clans (id),
    away_clan_id text not null references clans (id),
    start_at bigint not null,
    length_ms bigint not null,
    state text not null,                    -- see web/src/domain/match_state.rs
    detail text not null,                   -- what the state holds, as JSON
    password text not null,
    rcon text not null,
    created_by text not null references users (id),
    created_at bigint not null,
    revision bigint not null                -- guard: a step writes only over the revision that it has read
);

create table rosters (
    match_id text not null references matches (id),
    clan_id text not null references clans (id),
    player_id text not null references players (id),
    position bigint not null,               -- in the order in which they were given
    primary key (match_id, player_id)
);

create table rounds (
    id text primary key,
    match_id text not null references matches (id),
    reason text not null,                   -- booking, recheck, roster, retry
    started_at bigint not null,
    until_at bigint not null,               -- what has not come by then is unknown
    ended_at bigint
);

create table round_targets (
    round_id text not null references rounds (id),
    target_id text not null,
    player_id text not null references players (id),
    address text,                           -- absent if the host name has none, and after the match
    primary key (round_id, target_id)
);

create table round_hosts (
    round_id text not null references rounds (id),
    host_id text not null references hosts (id),
    done boolean not null,
    primary key (round_id, host_id)
);

create table measurements (
    round_id text not null references rounds (id),
    host_id text not null references hosts (id),
    target_id text not null,
    sent bigint not null,
    received bigint not null,
    min_us bigint,
    median_us bigint,
    deviation_us bigint,
    primary key (round_id, host_id, target_id)
);

-- What was chosen when, and why: the answer of vmatrix-placement with its inputs, as JSON.
create table choices (
    id text primary key,
    match_id text not null references matches (id),
    round_id text not null references rounds (id),
    made_at bigint not null,
    kept boolean not null,                  -- a later round that did not move the reservation
    body text not null
);

create table services (
    id text primary key,
    name text not null,
    image text not null,
    host_id text not null references hosts (id),
    goal text not null,                     -- open, suspended
    created_at bigint not null,
    removed_at bigint
);
create unique index services_by_name on services (name) where removed_at is null;

create table reservations (
    id text primary key,
    host_id text not null references hosts (id),
    match_id text references matches (id),
    service_id text references services (id),
    port bigint not null,
    from_at bigint not null,
    until_at bigint not null,
    released_at bigint
);
create index reservations_of_host on reservations (host_id, until_at);

create table vms (
    id text primary key,
    reservation_id text not null unique references reservations (id),
    host_id text not null references hosts (id),
    match_id text references matches (id),
    service_id text references services (id),
    snapshot text not null references snapshots (id),
    goal text not null,                     -- fetched, open, suspended, gone
    port bigint not null,
    created_at bigint not null,
    report text,                            -- the last that its host said of it, as JSON; survives it
    vmm text,                               -- what ran it, as JSON
    ordered_at bigint,                      -- when the generation that asks for `open` was committed
    answered_at bigint,
    verified_at bigint,
    listed_at bigint,
    gone_at bigint
);

-- What happened to a match, in sentences for people.
create table story (
    id text primary key,
    match_id text not null references matches (id),
    at bigint not null,
    text text not null
);
