/** Start form, plan, start. */
import { type Context, Hono } from 'hono';
import { isCredential } from '../../../core/contracts/credentials.ts';
import type { Plan, PlanFinding } from '../../../core/contracts/documents.ts';
import { InvalidInput, P2pfkError } from '../../../core/contracts/errors.ts';
import { ExecutionInput } from '../../../core/contracts/execution-input.ts';
import { withheld } from '../../../core/contracts/redact.ts';
import { connectReadOnly } from '../../../core/ledger/connect.ts';
import { describeIdentity, readIdentity } from '../../../core/ledger/schema/identity.ts';
import { readPlan } from '../../../core/plan/read-plan.ts';
import { executionName } from '../../../local/executions.ts';
import { STATE_MACHINE_ARN } from '../../../local/step-functions/arns.ts';
import { startExecution } from '../../executions/start.ts';
import type { GivenInput } from '../../input.ts';
import type { ConsoleContext } from '../context.ts';
import { type FormValues, readForm, toInput } from '../form.ts';
import { planPage, startForm } from '../pages/start.ts';
import { show } from './reply.ts';

export function startRoutes(context: ConsoleContext): Hono {
  const app = new Hono();
  const form = (c: Context, values: FormValues, problems: ReadonlyMap<string, string>): Promise<Response> =>
    show(c, context, {
      title: 'Start a migration',
      current: 'start',
      // What was refused as a connection string is not sent back.
      content: startForm({ values: withoutConnections(values), problems }),
      status: problems.size === 0 ? 200 : 422,
    });

  const planned = async (c: Context, values: FormValues, input: GivenInput, unaccepted = false): Promise<Response> => {
    const { plan, open, database } = await readingOf(context, input);
    return show(c, context, {
      title: `Plan for ${plan.table}`,
      current: 'start',
      content: planPage(plan, values, { open: open.map(({ id }) => id), unaccepted, database }),
      status: unaccepted ? 422 : 200,
    });
  };

  app.get('/start', (c) => form(c, readForm(c.req.query()), new Map()));
  app.post('/start/form', async (c) => form(c, readForm(await c.req.parseBody()), new Map()));
  app.post('/start/plan', async (c) => {
    const values = readForm(await c.req.parseBody());
    const { input, problems } = toInput(values);
    if (input === null) return form(c, values, problems);
    try {
      return await planned(c, values, input);
    } catch (error) {
      if (!(error instanceof P2pfkError)) throw error;
      return form(c, values, new Map([['', withheld(error.message)]]));
    }
  });
  app.post('/start', async (c) => {
    const values = readForm(await c.req.parseBody());
    const { input, problems } = toInput(values);
    if (input === null) return form(c, values, problems);
    try {
      const { plan, open } = await readingOf(context, input);
      const refused = plan.findings.some(({ severity }) => severity === 'error');
      // The plan step would refuse it as well; here it is asked where it can be answered.
      if (open.length > 0 && !refused && input.dryRun !== true) return await planned(c, values, input, true);
    } catch (error) {
      if (!(error instanceof P2pfkError)) throw error;
      return form(c, values, new Map([['', withheld(error.message)]]));
    }
    return begin(c, context, { ...(context.person === undefined ? {} : { by: context.person }), ...input });
  });
  return app;
}

function withoutConnections(values: FormValues): FormValues {
  return Object.fromEntries(Object.entries(values).filter(([key, value]) => !isCredential(key, value)));
}

/** Starts an execution and goes to its page. */
export async function begin(c: Context, { client }: ConsoleContext, input: GivenInput): Promise<Response> {
  const { table } = input;
  if (typeof table !== 'string') throw new InvalidInput('an execution needs a table');
  const name = executionName({ ...input, table });
  await startExecution(client, STATE_MACHINE_ARN, name, input);
  return c.redirect(`/executions/${encodeURIComponent(name)}`, 303);
}

export async function planOf(context: ConsoleContext, input: GivenInput): Promise<Plan> {
  return (await readingOf(context, input)).plan;
}

/** The plan, and the findings of it that need acceptance and have none. */
async function readingOf(
  { databaseUrl }: ConsoleContext,
  input: GivenInput,
): Promise<{ readonly plan: Plan; readonly open: readonly PlanFinding[]; readonly database: string }> {
  const parsed = ExecutionInput.parse(input);
  const { searchPath } = parsed;
  const client = await connectReadOnly({ databaseUrl, applicationName: 'p2pfk console plan', searchPath });
  try {
    const { document, foreignKey, acceptance } = await readPlan(client, parsed, 'plan');
    const database = describeIdentity(await readIdentity(client));
    return { plan: document, open: foreignKey.constraint_oid === null ? [] : acceptance.open, database };
  } finally {
    await client.end();
  }
}
