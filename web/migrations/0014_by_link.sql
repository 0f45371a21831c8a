-- Of whom a sentence is: their own clan and staff read the name.
alter table story add column player_id text references players (id);

-- Whether the match waits for who comes by a link: open, gathering, complete.
alter table player_links add column stage text not null default 'open';

-- Whoever came first by a link of before would be frozen as the whole side.
update player_links set stage = case when exists (
        select 1 from frozen_sides
        where frozen_sides.match_id = player_links.match_id and frozen_sides.clan_id = player_links.clan_id
    ) then 'complete' else 'gathering' end
where match_id in (select id from matches where frozen and state not in ('over', 'failed', 'cancelled'));
