import fc from 'fast-check';
import { expect, it } from 'vitest';
import { scheduleArbitrary } from './draw.ts';
import { ALL_KINDS, type Kind } from './schedule.ts';

const draw = (seed: number, kinds: readonly Kind[] = ALL_KINDS) =>
  fc.sample(scheduleArbitrary(kinds), { seed, numRuns: 300 });

it('the same seed draws the same schedules', () => {
  expect(draw(7)).toEqual(draw(7));
  expect(draw(7)).not.toEqual(draw(8));
});

it('every kind of fault is drawn, in both directions where it can be', () => {
  const drawn = new Set(
    draw(1).flatMap(({ runs }) =>
      runs.flatMap(({ operation, faults }) => faults.map(({ kind }) => `${operation} ${kind}`)),
    ),
  );
  const missing = ALL_KINDS.flatMap((kind) => [`migrate ${kind}`, `rollback ${kind}`]).filter((one) => !drawn.has(one));
  // A window that ends stops no rollback, and a rollback builds no index.
  expect(missing).toEqual(['rollback window', 'rollback disk-full']);
});

it.each(ALL_KINDS)('%s alone can be asked for', (kind) => {
  const kinds = new Set(
    draw(1, [kind]).flatMap(({ runs }) => runs.flatMap(({ faults }) => faults.map((fault) => fault.kind))),
  );
  expect([...kinds]).toEqual([kind]);
});
