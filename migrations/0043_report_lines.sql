-- A report tells where a line stands in a spreadsheet, its reference and the value in question. Numbers come masked.
alter table bulk_errors
  add column sheet_row integer,
  add column reference text,
  add column shown_value text;

alter table bulk_staging add column sheet_row integer;
