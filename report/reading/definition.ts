/** The Amazon States Language definition as a flat list of states and the ways between them. */

import { isRecord, type Json, parseRecord, stringOf } from '../../core/history/json.ts';
import type { Transition } from '../contracts.ts';

export interface DefinedState {
  readonly name: string;
  readonly type: string;
  readonly parent: string | null;
  readonly comment: string;
}

export interface Machine {
  readonly startAt: string;
  readonly states: readonly DefinedState[];
  readonly transitions: readonly Omit<Transition, 'taken'>[];
}

export function readDefinition(definition: string): Machine {
  const root = parseRecord(definition);
  const states: DefinedState[] = [];
  const transitions = new Map<string, Omit<Transition, 'taken'>>();

  const add = (from: string, target: unknown, kind: Transition['kind']): void => {
    const to = stringOf(target);
    const key = `${from}\n${String(to)}`;
    if (to !== null && !transitions.has(key)) transitions.set(key, { from, to, kind });
  };
  const walk = (block: Json, parent: string | null): void => {
    for (const [name, state] of Object.entries(isRecord(block.States) ? block.States : {})) {
      if (!isRecord(state)) continue;
      states.push({ name, type: stringOf(state.Type) ?? '', parent, comment: stringOf(state.Comment) ?? '' });
      add(name, state.Next, 'next');
      for (const choice of listOf(state.Choices)) add(name, choice.Next, 'choice');
      add(name, state.Default, 'choice');
      for (const catcher of listOf(state.Catch)) add(name, catcher.Next, 'catch');
      const inner = state.ItemProcessor ?? state.Iterator;
      if (isRecord(inner)) walk(inner, name);
      for (const branch of listOf(state.Branches)) walk(branch, name);
    }
  };
  walk(root, null);
  return { startAt: stringOf(root.StartAt) ?? '', states, transitions: [...transitions.values()] };
}

function listOf(value: unknown): readonly Json[] {
  return Array.isArray(value) ? value.filter(isRecord) : [];
}
