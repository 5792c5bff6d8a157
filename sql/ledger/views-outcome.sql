-- What views.sql has done in this transaction: whether it made the views of the ledger, and why they stay as they were, in one line; else empty.
-- not null: views_made, views_kept
:begin
SELECT COALESCE(pg_catalog.current_setting('p2pfk.views_made', true) OPERATOR(pg_catalog.=) 'yes', false) AS views_made,
       COALESCE(pg_catalog.current_setting('p2pfk.views_kept', true), '') AS views_kept
:end
