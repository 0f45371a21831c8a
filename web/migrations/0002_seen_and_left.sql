-- Who saw a host's public address first: a host's id; null for the server itself, or if it was before this was kept.
alter table hosts add column reached_by text;
-- When its agent left the fleet; null while it is in it.
alter table hosts add column left_at bigint;
-- Memory is held for a time as slots and ports are; ports of the host that were found taken, as JSON.
alter table reservations add column memory_mb bigint not null default 0;
alter table reservations add column ports_tried text not null default '[]';
