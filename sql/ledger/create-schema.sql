-- Without IF NOT EXISTS: a schema that somebody else has made in this moment is looked at first (state.sql), not adopted.
CREATE SCHEMA p2pfk;
