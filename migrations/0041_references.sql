-- References are compared in Unicode's normal form C: two that look the same are the same.
drop index payouts_reference;
create index payouts_reference on payouts (merchant_id, environment, normalize(reference, NFC))
  where reference is not null;
