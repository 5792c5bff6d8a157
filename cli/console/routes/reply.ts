/** How routes answer. */
import type { Context } from 'hono';
import { HTTPException } from 'hono/http-exception';
import { messageOf } from '../../../core/contracts/errors.ts';
import { withheld } from '../../../core/contracts/redact.ts';
import type { Html } from '../../../report/html/escape.ts';
import { type StatedPeople, statedPeople } from '../../people.ts';
import { oneLine } from '../../text.ts';
import type { ConsoleContext } from '../context.ts';
import { problemPage } from '../pages/confirm.ts';
import { page } from '../pages/layout.ts';

export interface Shown {
  readonly title: string;
  readonly current?: 'executions' | 'start';
  readonly content: Html;
  readonly status?: 200 | 400 | 403 | 404 | 422;
}

export async function show(c: Context, context: ConsoleContext, shown: Shown): Promise<Response> {
  const { title, content, current = null, status = 200 } = shown;
  return c.html(await page({ title, content, current, database: context.database }), status);
}

/** @param problem a sentence, or whatever was thrown; secrets in it are taken out */
export function showProblem(
  c: Context,
  context: ConsoleContext,
  status: 400 | 403 | 404,
  title: string,
  problem: unknown,
): Promise<Response> | Response {
  if (problem instanceof HTTPException) return problem.getResponse();
  const text = typeof problem === 'string' ? problem : messageOf(problem);
  return show(c, context, { title, content: problemPage(title, withheld(oneLine(text))), status });
}

/** @throws InvalidInput where a field holds no name or no reason as we keep them */
export function peopleOf(form: Readonly<Record<string, unknown>>, { person }: ConsoleContext): StatedPeople {
  const text = (value: unknown): string | undefined =>
    typeof value === 'string' && value.trim() !== '' ? value : undefined;
  return statedPeople({ by: text(form.by) ?? person, reason: text(form.reason) });
}
