-- A match is placed by its league's rule; not all people of a match count alike.

alter table matches add column policy text not null
    default '{"name":"thesis","cap_ms":180,"tie_margin_ms":0,"metric":{"closeness":1}}';   -- placement Policy as JSON

alter table rosters add column role text not null default 'player';   -- player, substitute, coach, caster
alter table rosters add column cap_us bigint;                         -- a cap of their own instead of the policy's
