/**
 * The store of executions and their histories: one SQLite file that several processes may have open. `p2pfk migrate` writes it,
 * while `watch`, `history` or `serve` in another terminal read it. SQLite is part of Node.
 */
import { closeSync, constants, openSync } from 'node:fs';
import { join } from 'node:path';
import { DatabaseSync, type SQLInputValue, type StatementSync } from 'node:sqlite';
import type { HistoryEvent } from '../../core/contracts/history-event.ts';
import { PlannedDatabase } from '../../core/contracts/steps/events.ts';
import type { AbortReason } from '../engine/engine.ts';
import { isAlive, type Owner, thisProcess } from './owner.ts';
import { preparePrivateDirectory } from './private-directory.ts';
import {
  adviceAfterProcessEnd,
  type EventRange,
  type ExecutionEnd,
  type ExecutionRecord,
  eventOf,
  type ListOptions,
  type NewExecution,
  type Row,
  recordOf,
} from './records.ts';
import { DATABASES, SCHEMA, SCHEMA_VERSION } from './schema.ts';

export const STORE_FILE = 'executions.sqlite';
/** Suffixes of the files that SQLite adds. */
const JOURNALS = ['-wal', '-shm', '-journal'];

/** AWS also keeps the history of an execution that has ended for 90 days. */
const KEEP_MS = 90 * 24 * 3_600_000;
/** At most this many executions are kept, regardless of their age. */
const KEEP_EXECUTIONS = 1_000;

const RECORD = `select e.*, d.text as definition from execution e join definition d on d.id = e.definition_id`;

/** An open store. Its methods throw the errors of SQLite, for example where the disk is full. */
export class ExecutionStore {
  readonly #database: DatabaseSync;
  readonly #owner: Owner;
  readonly #statements = new Map<string, StatementSync>();
  /** Path of the file; null in memory. */
  readonly path: string | null;

  private constructor(database: DatabaseSync, path: string | null, owner: Owner) {
    this.#database = database;
    this.path = path;
    this.#owner = owner;
  }

  /**
   * Opens the store of a directory, which is made if it is missing, and is readable only by its user.
   *
   * @throws InvalidInput when another user could read or change it
   * @throws Error when the directory cannot be written to, or the file is not a store of p2pfk
   */
  static open(directory: string, owner: Owner = thisProcess()): ExecutionStore {
    preparePrivateDirectory(directory, [STORE_FILE, ...JOURNALS.map((suffix) => `${STORE_FILE}${suffix}`)]);
    const path = join(directory, STORE_FILE);
    // SQLite gives its journal the permissions of the file, so the file is made first.
    closeSync(openSync(path, constants.O_WRONLY | constants.O_CREAT | constants.O_NOFOLLOW, 0o600));
    const store = new ExecutionStore(new DatabaseSync(path, { timeout: 5_000 }), path, owner);
    try {
      store.#prepare();
    } catch (error) {
      store.close();
      throw error;
    }
    return store;
  }

  /** A store that ends with this process, for where no directory can be written to. */
  static inMemory(owner: Owner = thisProcess()): ExecutionStore {
    const store = new ExecutionStore(new DatabaseSync(':memory:'), null, owner);
    store.#prepare();
    return store;
  }

  /**
   * Stores a new execution, and removes old ones.
   *
   * @returns false if an execution with this ARN exists already
   */
  create(execution: NewExecution): boolean {
    return this.#transaction(() => {
      if (this.#get('select 1 from execution where arn = ?', execution.arn) !== undefined) return false;
      this.#run('insert or ignore into definition (text) values (?)', execution.definition);
      this.#run(
        `insert into execution (arn, name, state_machine_arn, definition_id, status, input, start_date, owner, seen_at)
         select ?, ?, ?, id, 'RUNNING', ?, ?, ?, ? from definition where text = ?`,
        execution.arn,
        execution.name,
        execution.stateMachineArn,
        execution.input,
        execution.startDate.getTime(),
        JSON.stringify(this.#owner),
        Date.now(),
        execution.definition,
      );
      this.#prune();
      return true;
    });
  }

  /** Notes the database that an execution was started on, because one that comes to no plan records none in its history. */
  noteDatabase(arn: string, database: PlannedDatabase): void {
    this.#run(
      'insert or ignore into execution_database (execution_id, json) select id, ? from execution where arn = ?',
      JSON.stringify(database),
      arn,
    );
  }

  /** Null where it was not noted, or cannot be read. */
  databaseOf(arn: string): PlannedDatabase | null {
    const row = this.#get(
      'select d.json from execution_database d join execution e on e.id = d.execution_id where e.arn = ?',
      arn,
    );
    try {
      return PlannedDatabase.parse(JSON.parse(String(row?.json)));
    } catch {
      return null;
    }
  }

  /** Stores an event of the history. */
  append(arn: string, event: HistoryEvent): void {
    this.#run(
      'insert into event (execution_id, id, json) select id, ?, ? from execution where arn = ?',
      event.id ?? 0,
      JSON.stringify(event),
      arn,
    );
  }

  /** Stores how an execution ended. */
  end(arn: string, end: ExecutionEnd): void {
    this.#run(
      'update execution set status = ?, output = ?, error = ?, cause = ?, stop_date = ?, stop_request = null where arn = ?',
      end.status,
      end.output,
      end.error,
      end.cause,
      end.stopDate?.getTime() ?? null,
      arn,
    );
  }

  /** @returns the execution; null where it is not in the store */
  find(arn: string): ExecutionRecord | null {
    this.#endLost();
    const row = this.#get(`${RECORD} where e.arn = ?`, arn);
    return row === undefined ? null : recordOf(row as unknown as Row);
  }

  /** @returns executions, newest first, as ListExecutions does */
  list({ stateMachineArn, status, limit, offset }: ListOptions): readonly ExecutionRecord[] {
    this.#endLost();
    const rows = this.#statement(
      `${RECORD} where e.state_machine_arn = ? and (? is null or e.status = ?)
         order by e.start_date desc, e.id desc limit ? offset ?`,
    ).all(stateMachineArn, status ?? null, status ?? null, limit, offset);
    return rows.map((row) => recordOf(row as unknown as Row));
  }

  /** @returns events of the history in the order of their ids, or in the reverse order */
  events(arn: string, { after, limit, reverse = false }: EventRange): readonly HistoryEvent[] {
    const rows = this.#statement(
      `select v.json from event v join execution e on e.id = v.execution_id
         where e.arn = ? and (? is null or v.id ${reverse ? '<' : '>'} ?) order by v.id ${reverse ? 'desc' : 'asc'} limit ?`,
    ).all(arn, after ?? null, after ?? null, limit);
    return rows.map((row) => eventOf(String(row.json)));
  }

  /** Asks the process that runs an execution to stop it; it checks every second. */
  requestStop(arn: string, reason: AbortReason): void {
    this.#run(
      "update execution set stop_request = ? where arn = ? and status = 'RUNNING'",
      JSON.stringify(reason),
      arn,
    );
  }

  /**
   * Notes that this process lives and runs this execution.
   *
   * @returns the reason with which it was asked to stop it; null where it was not asked
   */
  beat(arn: string): AbortReason | null {
    this.#run('update execution set seen_at = ? where arn = ?', Date.now(), arn);
    const request = this.#get('select stop_request from execution where arn = ?', arn)?.stop_request;
    return typeof request === 'string' ? (JSON.parse(request) as AbortReason) : null;
  }

  close(): void {
    this.#database.close();
  }

  #prepare(): void {
    // WAL: readers do not wait for the writer. A power failure loses the last moments, but never the file.
    this.#database.exec('pragma journal_mode = wal; pragma synchronous = normal; pragma foreign_keys = on');
    this.#transaction(() => {
      const version = Number(this.#get('pragma user_version')?.user_version ?? 0);
      if (version === 0) this.#database.exec(SCHEMA);
      else if (version > SCHEMA_VERSION) throw new Error(`the store was written by a newer p2pfk (schema ${version})`);
      this.#database.exec(DATABASES);
    });
  }

  /**
   * Marks executions as aborted that ran in a process which has ended. The migration itself is safe: the database's catalog and
   * the ledger have its steps.
   */
  #endLost(): void {
    const running = this.#statement(
      "select id, arn, input, owner, seen_at from execution where status = 'RUNNING'",
    ).all();
    for (const { id, arn, input, owner, seen_at: seenAt } of running) {
      if (owner === JSON.stringify(this.#owner)) continue;
      if (isAlive(JSON.parse(String(owner)) as Owner, Number(seenAt))) continue;
      this.#transaction(() => {
        const still = this.#get("select 1 from execution where id = ? and status = 'RUNNING'", Number(id));
        if (still === undefined) return;
        const last = this.#get('select max(id) as id from event where execution_id = ?', Number(id));
        const stopDate = new Date();
        const reason = { error: 'ProcessEnded', cause: adviceAfterProcessEnd(String(input)) };
        this.append(String(arn), {
          id: Number(last?.id ?? 0) + 1,
          previousEventId: 0,
          timestamp: stopDate,
          type: 'ExecutionAborted',
          executionAbortedEventDetails: reason,
        });
        this.end(String(arn), { status: 'ABORTED', output: null, ...reason, stopDate });
      });
    }
  }

  /** Old executions are removed when a new one is stored. */
  #prune(): void {
    this.#run(
      `delete from execution where status <> 'RUNNING' and (start_date < ? or id in (
         select id from execution order by start_date desc limit -1 offset ?))`,
      Date.now() - KEEP_MS,
      KEEP_EXECUTIONS,
    );
    this.#run('delete from definition where id not in (select definition_id from execution)');
  }

  #transaction<T>(work: () => T): T {
    // Immediate: two processes that first read and then write would otherwise refuse each other.
    this.#database.exec('begin immediate');
    try {
      const result = work();
      this.#database.exec('commit');
      return result;
    } catch (error) {
      this.#database.exec('rollback');
      throw error;
    }
  }

  #get(sql: string, ...values: SQLInputValue[]): Record<string, unknown> | undefined {
    return this.#statement(sql).get(...values);
  }

  #run(sql: string, ...values: SQLInputValue[]): void {
    this.#statement(sql).run(...values);
  }

  #statement(sql: string): StatementSync {
    const known = this.#statements.get(sql);
    if (known !== undefined) return known;
    const statement = this.#database.prepare(sql);
    this.#statements.set(sql, statement);
    return statement;
  }
}
