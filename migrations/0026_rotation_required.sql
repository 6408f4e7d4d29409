-- "Change your PIN" (Orange 2010) says that the PIN is right and must be changed: a state of its own, whose way out is a change
-- with the PIN that is known. Until now it stood as a refused PIN, which no change could begin with.

alter table pin_gates drop constraint pin_gates_state_check;
alter table pin_gates add constraint pin_gates_state_check
  check (state in ('unproven', 'open', 'blocked', 'pin_unknown', 'rotation_required'));

update pin_gates set state = 'rotation_required', updated_at = clock_timestamp()
where state = 'blocked' and provider = 'orange' and last_code = '2010';
delete from pin_refusals where provider = 'orange' and code = '2010';
