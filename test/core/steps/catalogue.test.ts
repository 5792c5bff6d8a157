/** The catalogue of steps, and the files that run them. */
import { globSync } from 'node:fs';
import { basename, join } from 'node:path';
import { describe, expect, it } from 'vitest';
import { ledgerStepOf, Steps, stepEntries, stepNames, stepOfState } from '../../../core/contracts/steps/catalogue.ts';
import { loadStep } from '../../../core/steps/catalogue.ts';

const folder = join(import.meta.dirname, '..', '..', '..', 'core', 'steps');

describe('each step of the catalogue', () => {
  it.each(stepNames)('%s is run by the file of its name, and refuses an event of another shape', async (name) => {
    const step = await loadStep(name);
    expect(step.name).toBe(name);
    expect(() => step.prepare({})).toThrow(`the event of function ${name} is not valid`);
  });

  it('is found by the name of its state, which no other step has', () => {
    const states = stepEntries.map(([, { state }]) => state);
    expect(new Set(states).size).toBe(stepNames.length);
    for (const name of stepNames) expect(stepOfState(Steps[name].state)).toBe(Steps[name]);
    expect(stepOfState('OfALaterVersion')).toBeNull();
  });

  it('has a name of its own in the ledger, and a label that fits its column', () => {
    expect(new Set(stepNames.map(ledgerStepOf)).size).toBe(stepNames.length);
    for (const [, { label }] of stepEntries) expect(label.length).toBeLessThanOrEqual(20);
  });
});

it('the folders of the branches hold steps only', () => {
  const files = globSync(['forward/*.ts', 'rollback/*.ts', 'pause/*.ts'], { cwd: folder });
  expect(files.map((file) => basename(file, '.ts')).sort()).toEqual([...stepNames].sort());
});
