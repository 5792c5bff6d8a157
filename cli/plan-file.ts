/** A saved plan: written by `plan --out`, reviewed by people, carried out by `migrate --plan`. */

import type { Client } from 'pg';
import * as z from 'zod';
import type { ForeignKey } from '../core/catalog/foreign-key.ts';
import { isCredential } from '../core/contracts/credentials.ts';
import { DECISIVE_OPTIONS } from '../core/contracts/decisive-options.ts';
import type { Plan } from '../core/contracts/documents.ts';
import { InvalidInput, messageOf, PreflightFailed } from '../core/contracts/errors.ts';
import { ExecutionInput, ExecutionInputKeys } from '../core/contracts/execution-input.ts';
import { StatedPerson, StatedReason } from '../core/contracts/person.ts';
import { problemOf } from '../core/contracts/problems.ts';
import { echoed, redact } from '../core/contracts/redact.ts';
import { connectReadOnly, describeTarget } from '../core/ledger/connect.ts';
import { resolveForeignKey } from '../core/ledger/resolve-foreign-key.ts';
import { type DatabaseIdentity, readIdentity } from '../core/ledger/schema/identity.ts';
import { LEDGER_OWNER } from '../core/ledger/schema/state.ts';
import { type CatalogEntry, differences, planHash, readCatalogEntries, shortHash } from '../core/plan/reviewed-plan.ts';
import { readTrustedFile, writePrivateFile } from '../local/private-file.ts';
import type { GivenInput } from './input.ts';
import { AS_STATED, type StatedPeople } from './people.ts';
import { documentHash, restHash, showsAll } from './plan-hash.ts';
import { oneLine } from './text.ts';
import { version } from './version.ts';

const FORMAT = 'p2pfk-plan';
/** Of the file, not of p2pfk: another one is refused. */
const FORMAT_VERSION = 1;
/** What `plan --out` has options for. Another user's file must not bring SQL, such as `holdBackQuery`, or acceptances along. */
const PLANNED_WITH: ReadonlySet<string> = new Set([
  'table',
  'constraint',
  'searchPath',
  'ledgerOwner',
  'maxConcurrency',
  'lockTimeoutMs',
  'rowMovementGuard',
  'pairConstraintNames',
  'noIndexes',
  'keepIndexes',
  'allowBlockingRollback',
] satisfies (keyof ExecutionInput)[]);
/** Whose ledger is trusted, and where the application's functions look names up: the word of the one who carries the plan out. */
const OPERATORS_OWN = [
  ['ledgerOwner', '--ledger-owner'],
  ['searchPath', '--search-path'],
] as const;
/** Differences that are named; the others are counted. */
const MOST_NAMED = 3;

const HASH = /^sha256:[0-9a-f]{64}$/;

const PlanFile = z.object({
  format: z.literal(FORMAT),
  formatVersion: z.literal(FORMAT_VERSION),
  generator: z.string(),
  /** Of this document, without this key; cli/plan-hash.ts. */
  hash: z.string().regex(HASH),
  madeAt: z.iso.datetime(),
  /** As stated, not verified. */
  madeBy: StatedPerson,
  reason: StatedReason.nullable(),
  database: z.object({
    name: z.string(),
    target: z.string(),
    serverVersion: z.string(),
    /** Of the cluster; null where it is not known. */
    systemIdentifier: z.string().nullable(),
  }),
  /** What it was planned with, as an execution takes it. */
  input: z.record(z.string(), z.union([z.string(), z.number(), z.boolean(), z.array(z.string())])),
  /** Of `catalog`, and of what `input` decides: what the plan step compares; core/plan/reviewed-plan.ts. */
  catalogHash: z.string().regex(HASH),
  catalog: z.array(z.tuple([z.string(), z.string(), z.string()])),
  /** For people: what `plan --json` prints. */
  plan: z.looseObject({ table: z.string(), constraint: z.string() }),
});
/** With `restHash`, which the document has not: what proves its hash to the plan step. */
export type PlanFile = z.infer<typeof PlanFile> & { readonly restHash: string };

export interface PlanToSave {
  readonly plan: Plan;
  readonly given: GivenInput;
  /** As it was before the plan was made. */
  readonly catalog: readonly CatalogEntry[];
  readonly people: StatedPeople & { readonly by: string };
  readonly databaseUrl: string | undefined;
}

/** What a plan for `input` depends on. */
export async function readCatalog(client: Client, input: ExecutionInput): Promise<CatalogEntry[]> {
  return readCatalogEntries(client, await resolveForeignKey(client, input, 'migrate'));
}

/**
 * @throws PreflightFailed where the catalog has changed while the plan was made
 * @throws InvalidInput where the file cannot be written
 */
export async function savePlan(client: Client, path: string, saved: PlanToSave): Promise<PlanFile> {
  const changed = differences(saved.catalog, await readCatalog(client, ExecutionInput.parse(saved.given)));
  if (changed.length > 0)
    throw new PreflightFailed(`no plan was saved: the catalog changed while it was made: ${changed[0]}; plan again`);
  const file = planFile(saved, await readIdentity(client));
  await writePlanFile(path, file);
  return file;
}

function planFile(
  { plan, given: input, catalog, people, databaseUrl }: PlanToSave,
  identity: DatabaseIdentity,
): PlanFile {
  const { by, reason } = people;
  const options = ExecutionInput.parse(input);
  const document = PlanFile.omit({ hash: true }).parse({
    format: FORMAT,
    formatVersion: FORMAT_VERSION,
    generator: `p2pfk ${version}`,
    madeAt: new Date().toISOString(),
    madeBy: by,
    reason: reason ?? null,
    database: {
      name: identity.database,
      target: describeTarget(databaseUrl),
      serverVersion: plan.serverVersion,
      systemIdentifier: identity.systemIdentifier,
    },
    input: { ...input, constraint: written('constraint', plan.constraint) },
    catalogHash: planHash(catalog, { table: plan.table, constraint_name: plan.constraint }, options),
    catalog,
    plan,
  });
  // As it will be read: JSON leaves out what is undefined.
  const asRead: Record<string, unknown> = JSON.parse(JSON.stringify(document));
  return { ...PlanFile.parse({ ...document, hash: documentHash(asRead) }), restHash: restHash(asRead) };
}

/** A name as an input takes it: one that looks like a password has to be in quotes. */
function written(key: string, name: string): string {
  return isCredential(key, name) ? `"${name.replaceAll('"', '""')}"` : name;
}

/**
 * For its user alone: it names tables, owners and functions.
 *
 * @throws InvalidInput where it cannot be written, in one line
 */
async function writePlanFile(path: string, { restHash: _proof, ...file }: PlanFile): Promise<void> {
  try {
    await writePrivateFile(path, `${JSON.stringify(file, null, 1)}\n`);
  } catch (error) {
    throw new InvalidInput(`the plan cannot be written to ${redact(path)}: ${messageOf(error)}`);
  }
}

/** @throws InvalidInput with one line, where it is no plan that this p2pfk can carry out */
export async function readPlanFile(given: string): Promise<PlanFile> {
  const path = redact(given);
  const text = await readTrustedFile(given).catch((error: unknown) => {
    throw new InvalidInput(`the plan ${path} cannot be read: ${messageOf(error)}`);
  });
  const value = parsed(text);
  const document = Object(value) as Record<string, unknown>;
  const { format, formatVersion, generator } = document;
  if (format !== FORMAT) throw new InvalidInput(`${path} is not a plan that p2pfk plan --out has written`);
  if (formatVersion !== FORMAT_VERSION)
    throw new InvalidInput(
      `the plan ${path} has format version ${String(formatVersion)}, and this p2pfk reads version ${FORMAT_VERSION}: plan again`,
    );
  if (generator !== `p2pfk ${version}`)
    throw new InvalidInput(
      `the plan ${path} was made by ${String(generator)}, and this is p2pfk ${version}, which may run other statements: plan again`,
    );
  const file = PlanFile.safeParse(value);
  if (!file.success) throw new InvalidInput(`the plan ${path} is damaged: ${issueOf(file.error)}; plan again`);
  const { catalog, catalogHash, plan, input } = file.data;
  if (documentHash(document) !== file.data.hash || !showsAll(text, value))
    throw new InvalidInput(`the plan ${path} was changed after it was made: its hash does not fit; plan again`);
  const added = Object.keys(input).find((key) => !PLANNED_WITH.has(key));
  if (added !== undefined)
    throw new InvalidInput(
      `the plan ${path} was changed after it was made: a plan has no ${echoed(added)}; plan again`,
    );
  const options = ExecutionInput.safeParse(input);
  if (!options.success) throw new InvalidInput(`the plan ${path} is damaged: ${issueOf(options.error)}; plan again`);
  const own = planHash(catalog, { table: plan.table, constraint_name: plan.constraint }, options.data);
  if (own !== catalogHash)
    throw new InvalidInput(`the plan ${path} was changed after it was made: its catalog hash does not fit; plan again`);
  return { ...file.data, restHash: restHash(document) };
}

/**
 * The input with which a plan is carried out: its own, and besides it only what decides when and how fast.
 *
 * @throws InvalidInput where an option says something else than the plan
 */
export function inputOfPlan(file: PlanFile, given: GivenInput): GivenInput {
  const planned = ExecutionInput.parse(file.input);
  const asked = ExecutionInputKeys.partial().parse(given);
  for (const [key, option] of OPERATORS_OWN) {
    const own = asked[key] ?? (key === 'ledgerOwner' ? process.env[LEDGER_OWNER] : undefined);
    if (planned[key] !== undefined && planned[key] !== own)
      throw new InvalidInput(
        `the plan was made with ${option} ${echoed(planned[key])}, which decides whose code runs and is not taken from a file: if that is intended, give the same option here`,
      );
  }
  for (const key of [...DECISIVE_OPTIONS, 'searchPath', 'constraint'] as const) {
    if (given[key] !== undefined && asked[key] !== planned[key])
      throw new InvalidInput(
        `the plan was made with ${key} ${echoed(planned[key] ?? null)}, and an option says ${echoed(given[key])}: leave the option out, or plan again`,
      );
  }
  const { table, ...input } = file.input;
  if (given.table !== undefined && given.table !== table && given.table !== file.plan.table)
    throw new InvalidInput(`the plan is for the table ${file.plan.table}, and --table says ${echoed(given.table)}`);
  return {
    ...input,
    ...given,
    table: file.plan.table,
    planHash: file.catalogHash,
    planDocumentHash: file.hash,
    planRestHash: file.restHash,
    planMadeAt: file.madeAt,
    planMadeBy: file.madeBy,
  };
}

/** For a person who compares it with the plan that was reviewed. */
export function planLine({ hash, madeAt, madeBy, reason }: PlanFile): string {
  return `Plan ${hash}, made on ${madeAt} by ${madeBy} (${AS_STATED})${reason === null ? '' : `: ${reason}`}`;
}

/**
 * Before anything begins: says what has changed since the plan was made. The plan step compares again, by the hash.
 *
 * @throws PreflightFailed that names the first differences
 */
export async function refuseChangedCatalog(
  file: PlanFile,
  input: ExecutionInput,
  databaseUrl: string | undefined,
): Promise<void> {
  const { searchPath, ledgerOwner } = input;
  const client = await connectReadOnly({ databaseUrl, applicationName: 'p2pfk plan', searchPath, ledgerOwner });
  try {
    const { database, systemIdentifier: cluster } = await readIdentity(client);
    const { name, systemIdentifier: planned } = file.database;
    if (database !== name || (planned !== null && cluster !== null && planned !== cluster))
      throw new PreflightFailed(
        `refused, nothing was changed: the plan was made for the database ${name} (${file.database.target}; system identifier ${planned ?? 'unknown'}), and this is ${database} (${describeTarget(databaseUrl)}; ${cluster ?? 'unknown'})`,
      );
    const foreignKey: ForeignKey = await resolveForeignKey(client, input, 'migrate');
    // An execution of this plan has dropped the parent FK: the catalog is no longer the one that was planned.
    if (foreignKey.constraint_oid === null) return;
    const found = differences(file.catalog, await readCatalogEntries(client, foreignKey));
    if (found.length === 0) return;
    const more = found.length > MOST_NAMED ? ` (and ${found.length - MOST_NAMED} more)` : '';
    throw new PreflightFailed(
      oneLine(
        `refused, nothing was changed: since the plan ${shortHash(file.hash)} was made on ${file.madeAt}, this has changed: ${found.slice(0, MOST_NAMED).join('; ')}${more}; plan again, and review it`,
      ),
    );
  } finally {
    await client.end();
  }
}

function parsed(text: string): unknown {
  try {
    return JSON.parse(text);
  } catch {
    return null;
  }
}

function issueOf({ issues: [issue] }: z.ZodError): string {
  return issue === undefined ? 'it cannot be read' : problemOf(issue);
}
