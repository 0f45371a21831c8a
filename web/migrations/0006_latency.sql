-- What players' own programs have measured to hosts; the newest of each kind.
create table readings (
    player_id text not null references players (id),
    host_id text not null references hosts (id),
    source text not null,                   -- browser, udp
    taken_at bigint not null,
    sent bigint not null,
    received bigint not null,
    min_us bigint,
    median_us bigint,
    deviation_us bigint,
    p90_us bigint,
    jitter_us bigint,
    primary key (player_id, host_id, source)
);

alter table measurements add column p90_us bigint;
alter table measurements add column jitter_us bigint;
-- How a target is measured: icmp, or dns with the zone that is asked for.
alter table round_targets add column way text not null default 'icmp';
alter table round_targets add column zone text;
