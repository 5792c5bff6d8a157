import { readdirSync } from 'node:fs';
import { join } from 'node:path';
import { describe, expect, it } from 'vitest';
import { handlers } from '../../local/handlers.ts';

const LAMBDAS = join(import.meta.dirname, '../../lambdas');

describe('the registry', () => {
  it('has each function of lambdas/ that the state machine can call, and nothing else', async () => {
    const functions: string[] = [];
    for (const file of readdirSync(LAMBDAS)) {
      if (!file.endsWith('.ts')) continue;
      const module: Record<string, unknown> = await import(join(LAMBDAS, file));
      if (typeof module.handler === 'function') functions.push(file.replace(/\.ts$/, ''));
    }

    expect(Object.keys(handlers).sort()).toEqual(functions.sort());
  });
});
