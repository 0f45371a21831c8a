-- Measurements that are frozen before the opponent is known.

alter table matches add column frozen boolean not null default false;   -- each side's are taken apart, and used as they were

-- What was measured of a side; another line-up, or a day, and it is measured anew.
create table frozen_sides (
    match_id text not null references matches (id),
    clan_id text not null references clans (id),
    frozen_at bigint not null,
    measured text not null,                 -- whom, from where, and what is known of them, as JSON
    primary key (match_id, clan_id)
);
