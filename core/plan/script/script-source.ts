/** What the blocks of a script are made from: the plan's reading, and texts that were made from it. */
import type { Client } from 'pg';
import type { FinalName } from '../../catalog/pair-names.ts';
import type { Pair } from '../../catalog/pairs.ts';
import type { Guard } from '../../catalog/row-movement-guard.ts';
import type { ExecutionInput } from '../../contracts/execution-input.ts';
import type { Row } from '../../postgres/sql.ts';
import type { PlanReading } from '../read-plan.ts';

/** Data for all blocks. */
export interface ScriptSource {
  readonly client: Client;
  readonly reading: PlanReading;
  readonly input: ExecutionInput;
  readonly pairs: readonly Pair[];
  /** Names after the drop, by pair number. */
  readonly finalNames: ReadonlyMap<number, FinalName>;
  /** Guards to create, by the number of the first pair with their leaf. */
  readonly guards: ReadonlyMap<number, Guard>;
  /** Texts of each pair, by pair number. */
  readonly texts: ReadonlyMap<number, Row<'script/texts'>>;
  readonly migrationId: string;
}
