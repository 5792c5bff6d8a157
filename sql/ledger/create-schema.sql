-- Without IF NOT EXISTS: a schema that another session has made at this moment is examined first (state.sql), and not adopted.
CREATE SCHEMA p2pfk;
