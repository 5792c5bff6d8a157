/** The document of a command that failed. */
import * as z from 'zod';
import { NamedProblem, tableName } from './common.ts';

/** Of all commands but `migrate` and `rollback`, which print their own document with the status REFUSED. */
export const FailureDocument = z.strictObject({
  error: z.strictObject({
    ...NamedProblem.shape,
    exitCode: z.int(),
    choices: z
      .array(z.strictObject({ table: tableName, constraint: z.string().optional() }))
      .optional()
      .describe('what may have been meant'),
  }),
});
