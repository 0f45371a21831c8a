-- Addresses from which a player came and did not agree to pings: nobody has them pinged, under whatever name they are entered,
-- until somebody comes from there and agrees.
create table declined (
    address_hash text primary key,
    at bigint not null                      -- when they last said so
);

-- Nobody stands for a host name any more: it may lead elsewhere tomorrow.
update players set consent = 'typed', consent_by = null, consent_at = null
where consent = 'vouched' and address not like '%:%' and lower(address) <> upper(address);
