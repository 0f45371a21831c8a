-- A rematch: the same players again.

alter table matches add column rematch_of text references matches (id);   -- the match that it repeats
alter table rounds add column taken_from text references matches (id);    -- not measured but taken over from that match's round
-- Addresses that are still known are few among all that were ever measured: they are looked for often, to be forgotten.
create index round_targets_with_address on round_targets (round_id) where address is not null;
