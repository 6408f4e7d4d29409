-- A refusal in a statement proves nothing alone (rules 11 and 12): the success of the same reference may stand in tomorrow's file. So far
-- only the code held to that. Whoever writes: a statement says of a submission that it is paid or under way, never that it is unpaid.
create function guard_statement_outcome() returns trigger language plpgsql as $$
begin
  raise exception 'submission %: a statement alone does not prove that it is unpaid (%)', new.id, new.outcome
    using errcode = 'CA004';
end $$;
create trigger submissions_guard_statement before insert or update of outcome, source on submissions for each row
  when (new.source = 'statement' and new.outcome in ('void', 'not_sent', 'rejected'))
  execute function guard_statement_outcome();
