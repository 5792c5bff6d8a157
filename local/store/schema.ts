/**
 * Schema of the execution store, for SQLite. Times are milliseconds since the epoch. `user_version` numbers the schema; a store
 * with a newer one is not touched.
 */
export const SCHEMA_VERSION = 1;

export const SCHEMA = `
create table definition (
  id integer primary key,
  text text not null unique
);

create table execution (
  id integer primary key,
  arn text not null unique,
  name text not null,
  state_machine_arn text not null,
  definition_id integer not null references definition,
  status text not null,
  input text not null,
  output text,
  error text,
  cause text,
  start_date integer not null,
  stop_date integer,
  -- The process that runs it, its last sign of life, and what another process asks of it.
  owner text not null,
  seen_at integer not null,
  stop_request text
);
create index execution_by_start on execution (state_machine_arn, start_date);
create index execution_running on execution (status) where status = 'RUNNING';

create table event (
  execution_id integer not null references execution on delete cascade,
  id integer not null,
  json text not null,
  primary key (execution_id, id)
) without rowid;

pragma user_version = ${SCHEMA_VERSION};
`;

/** Came later. Versions that do not know it leave it alone, so it has no number of its own. */
export const DATABASES = `
create table if not exists execution_database (
  execution_id integer primary key references execution on delete cascade,
  json text not null
);
`;
