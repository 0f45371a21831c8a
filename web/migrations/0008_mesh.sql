-- How far hosts are from each other, as the first has measured it; the newest of each pair.
create table mesh (
    from_host text not null references hosts (id),
    to_host text not null references hosts (id),
    taken_at bigint not null,
    min_us bigint not null,
    median_us bigint not null,
    deviation_us bigint not null,
    received bigint not null,
    primary key (from_host, to_host)
);

-- The name server nearest to the addresses of a prefix, and the reverse zone that it serves; none if there is none.
create table name_servers (
    prefix text primary key,
    address text,
    zone text,
    found_at bigint not null
);

-- Its hosts are added step by step: see docs/few-probes.md.
alter table rounds add column few boolean not null default false;
