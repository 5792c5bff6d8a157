-- Whether relink.sql has changed anything, in its transaction.
-- not null: relinked
:begin
SELECT coalesce(current_setting('p2pfk.relinked', true), 'false')::boolean AS relinked
:end
