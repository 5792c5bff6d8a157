/** What the sessions of an application wait for, as `pg_stat_activity` shows it, looked at again and again by the server itself. */
import type { Client } from 'pg';

export interface WaitSamples {
  /** Sessions seen at work, each look counted. */
  readonly active: number;
  /** Of these, waiting for the lock manager (`LWLock:LockManager`; AWS calls it `LWLock:lock_manager`). */
  readonly lockManager: number;
}

export async function prepareWaitSamples(client: Client): Promise<void> {
  await client.query(`
    CREATE OR REPLACE FUNCTION bench_wait_samples(milliseconds int, OUT active int, OUT lock_manager int) LANGUAGE plpgsql AS $$
    DECLARE
      until timestamptz := clock_timestamp() + milliseconds * interval '1 millisecond';
      seen record;
    BEGIN
      active := 0;
      lock_manager := 0;
      WHILE clock_timestamp() < until LOOP
        PERFORM pg_stat_clear_snapshot();
        SELECT count(*) AS active, count(*) FILTER (WHERE wait_event_type = 'LWLock' AND wait_event = 'LockManager') AS lock_manager
          INTO seen
          FROM pg_stat_activity
         WHERE state = 'active' AND backend_type = 'client backend' AND pid <> pg_backend_pid();
        active := active + seen.active;
        lock_manager := lock_manager + seen.lock_manager;
        PERFORM pg_sleep(0.005);
      END LOOP;
    END $$`);
}

export async function waitSamples(client: Client, milliseconds: number): Promise<WaitSamples> {
  const { rows } = await client.query<{ active: number; lock_manager: number }>(
    'SELECT active, lock_manager FROM bench_wait_samples($1)',
    [milliseconds],
  );
  return { active: rows[0]?.active ?? Number.NaN, lockManager: rows[0]?.lock_manager ?? Number.NaN };
}
