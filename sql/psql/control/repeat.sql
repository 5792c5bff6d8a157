-- Repeats :body as long as :more is true, at most 2^:depth times.
\if :more
SELECT :depth = 0 AS leaf, :depth - 1 AS depth \gset
\if :leaf
\ir turn.sql
\else
\ir repeat.sql
\ir repeat.sql
\endif
SELECT :depth + 1 AS depth \gset
\endif
