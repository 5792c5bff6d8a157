/** A step delivered twice at the same moment: one changes the catalog, the other finds it changed, and both go well. */
import { expect, it } from 'vitest';
import { everything } from '../case.helpers.ts';
import { Execution } from '../execution.helpers.ts';
import { holdStatement, proxiedCase } from './proxied.helpers.ts';

/** A lock that is asked for in several orders is one DO block. Before the tables the drop asks for the migration's row. */
const LOCK = /^(?:LOCK TABLE|DO\b)|FOR NO KEY UPDATE/;

/** Name of the step, what is done before it, one delivery of it. */
const STEPS: [
  step: string,
  prepare: (execution: Execution) => Promise<unknown>,
  deliver: (execution: Execution) => Promise<unknown>,
][] = [
  ['add-foreign-key', (one) => one.migrate('BuildIndexes'), (one) => one.addForeignKey(1)],
  ['drop-parent-foreign-key', (one) => one.migrate('VerifyGate'), (one) => one.dropParentForeignKey()],
  ['restore-parent', (one) => one.migrate().then(() => one.fence()), (one) => one.restoreParent(1)],
  [
    'attach-parent',
    async (one) => {
      await one.migrate();
      for (const { pair } of (await one.fence()).pairs) await one.restoreParent(pair);
    },
    (one) => one.attachParent(),
  ],
  [
    'drop-pair-foreign-keys',
    async (one) => {
      await one.migrate();
      for (const { pair } of (await one.fence()).pairs) await one.restoreParent(pair);
      await one.attachParent();
    },
    (one) => one.dropPairForeignKeys(),
  ],
];

it.each(STEPS)('%s, overtaken at its lock', async (step, prepare, deliver) => {
  const { observer, proxy } = await proxiedCase();
  const execution = new Execution();
  await prepare(execution);
  const held = holdStatement(proxy, step, LOCK);
  const overtaken = deliver(execution);
  await held.reached;

  await deliver(execution);
  const before = await everything(observer);
  held.release();

  await overtaken;
  expect(await everything(observer)).toBe(before);
});

it('drop-pair-foreign-keys, overtaken at the lock of a pair', async () => {
  const { observer, proxy } = await proxiedCase();
  const before = await everything(observer);
  const execution = new Execution();
  await execution.migrate('AddForeignKeys');
  await execution.fence();
  const held = holdStatement(proxy, 'drop-pair-foreign-keys', LOCK);
  const overtaken = execution.dropPairForeignKeys();
  await held.reached;

  await execution.dropPairForeignKeys();
  held.release();

  await overtaken;
  expect(await everything(observer)).toBe(before);
});
