-- A player has at most one address of each kind: one of IPv4 (or a host name) as before, and one of IPv6. Each has its own word
-- that it is theirs, and is forgotten in its own time.

alter table players add column ipv6 text;                                   -- absent if there is none
alter table players add column ipv6_at bigint not null default 0;           -- when it was entered, or last come from
alter table players add column ipv6_consent text not null default 'typed';
alter table players add column ipv6_consent_by text;
alter table players add column ipv6_consent_at bigint;

-- An IPv4 address in the clothes of IPv6 is that IPv4 address.
update players set address = substr(address, 8)
where lower(address) like '::ffff:%.%.%.%' and lower(address) not like '::ffff:%:%';
update players set address = '', consent = 'typed', consent_by = null, consent_at = null where lower(address) like '::ffff:%';

-- Whoever came by IPv6 has that address where the other one belongs.
update players set ipv6 = address, ipv6_at = address_at, ipv6_consent = consent, ipv6_consent_by = consent_by,
                   ipv6_consent_at = consent_at
where address like '%:%';
update players set address = '', consent = 'typed', consent_by = null, consent_at = null where address like '%:%';
