/** Start form, plan, start. */
import { type Context, Hono } from 'hono';
import { connectReadOnly } from '../../../core/connection.ts';
import { ExecutionInput, type Plan } from '../../../core/contracts.ts';
import { InvalidInput, P2pfkError } from '../../../core/errors.ts';
import { planMigration } from '../../../core/plan.ts';
import { executionName } from '../../../local/executions.ts';
import { STATE_MACHINE_ARN } from '../../../local/step-functions/arns.ts';
import { startExecution } from '../../executions/start.ts';
import type { GivenInput } from '../../input.ts';
import { redact } from '../../redact.ts';
import type { ConsoleContext } from '../context.ts';
import { type FormValues, readForm, toInput } from '../form.ts';
import { planPage, startForm } from '../pages/start.ts';
import { ownForm, show } from './reply.ts';

export function startRoutes(context: ConsoleContext): Hono {
  const app = new Hono();
  const { formToken } = context.access;
  const form = (c: Context, values: FormValues, problems: ReadonlyMap<string, string>): Promise<Response> =>
    show(c, context, {
      title: 'Start a migration',
      current: 'start',
      content: startForm({ values, problems, formToken }),
      status: problems.size === 0 ? 200 : 422,
    });

  app.get('/start', (c) => form(c, readForm(c.req.query()), new Map()));
  app.post('/start/form', async (c) => form(c, readForm(await ownForm(c, context)), new Map()));
  app.post('/start/plan', async (c) => {
    const values = readForm(await ownForm(c, context));
    const { input, problems } = toInput(values);
    if (input === null) return form(c, values, problems);
    try {
      const plan = await planOf(context, input);
      return show(c, context, {
        title: `Plan for ${plan.table}`,
        current: 'start',
        content: planPage(plan, values, formToken),
      });
    } catch (error) {
      if (!(error instanceof P2pfkError)) throw error;
      return form(c, values, new Map([['', redact(error.message)]]));
    }
  });
  app.post('/start', async (c) => {
    const values = readForm(await ownForm(c, context));
    const { input, problems } = toInput(values);
    if (input === null) return form(c, values, problems);
    return begin(c, context, input);
  });
  return app;
}

/** Starts an execution and goes to its page. */
export async function begin(c: Context, { client }: ConsoleContext, input: GivenInput): Promise<Response> {
  const { table } = input;
  if (typeof table !== 'string') throw new InvalidInput('an execution needs a table');
  const name = executionName({ ...input, table });
  await startExecution(client, STATE_MACHINE_ARN, name, input);
  return c.redirect(`/executions/${encodeURIComponent(name)}`, 303);
}

export async function planOf({ databaseUrl }: ConsoleContext, input: GivenInput): Promise<Plan> {
  const parsed = ExecutionInput.parse(input);
  const { searchPath } = parsed;
  const client = await connectReadOnly({ databaseUrl, applicationName: 'p2pfk console plan', searchPath });
  try {
    return await planMigration(client, parsed);
  } finally {
    await client.end();
  }
}
