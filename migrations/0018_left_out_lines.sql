-- A bulk's result names the lines that were left out between those that were taken: found by line, however many there are.
create index bulk_errors_lines on bulk_errors (bulk_id, line, position) where line is not null;
