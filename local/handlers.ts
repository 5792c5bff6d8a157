/**
 * The Lambda functions of the state machine, called in this process. Each is loaded when it is first called: `plan`
 * alone should not load thirteen. The specifiers are literal, so that a bundler can follow and split them.
 */
import type { Handler, Handlers } from './engine/engine.ts';

const load = {
  plan: () => import('../lambdas/plan.ts'),
  'build-index': () => import('../lambdas/build-index.ts'),
  'add-foreign-key': () => import('../lambdas/add-foreign-key.ts'),
  'validate-foreign-key': () => import('../lambdas/validate-foreign-key.ts'),
  'verify-gate': () => import('../lambdas/verify-gate.ts'),
  'drop-parent-foreign-key': () => import('../lambdas/drop-parent-foreign-key.ts'),
  'verify-migration': () => import('../lambdas/verify-migration.ts'),
  fence: () => import('../lambdas/fence.ts'),
  'restore-parent': () => import('../lambdas/restore-parent.ts'),
  'attach-parent': () => import('../lambdas/attach-parent.ts'),
  'drop-pair-foreign-keys': () => import('../lambdas/drop-pair-foreign-keys.ts'),
  'verify-rolled-back': () => import('../lambdas/verify-rolled-back.ts'),
  pause: () => import('../lambdas/pause.ts'),
} as const;

/** Name of a Lambda function: the file `lambdas/<name>.ts`, and the end of a Task's Resource. */
export type FunctionName = keyof typeof load;

/** Every function of the state machine. */
export const handlers: Handlers & Readonly<Record<FunctionName, Handler>> = Object.fromEntries(
  Object.entries(load).map(([name, module]) => [
    name,
    async (event, context) => {
      const { handler } = (await module()) as { handler: Handler };
      return handler(event, context);
    },
  ]),
) as Record<FunctionName, Handler>;
