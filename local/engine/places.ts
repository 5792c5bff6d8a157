/** The position of each state in a definition, and the number of items of a Map. */
import type { State, StateMachineDefinition } from './definition.ts';

/** A state of the execution itself (`parent` null), of a Map, or of the nth branch of a Parallel. */
export interface Place {
  readonly state: State;
  readonly parent: string | null;
  readonly branch: number | null;
}

/** State name -> its place. Names are unique in the whole definition. */
export function placesOf(definition: StateMachineDefinition): ReadonlyMap<string, Place> {
  const places = new Map<string, Place>();
  const visit = (machine: StateMachineDefinition, parent: string | null, branch: number | null): void => {
    for (const [name, state] of Object.entries(machine.States)) {
      places.set(name, { state, parent, branch });
      const processor = (state.ItemProcessor ?? state.Iterator) as StateMachineDefinition | undefined;
      if (processor !== undefined) visit(processor, name, null);
      const branches = (state.Branches ?? []) as readonly StateMachineDefinition[];
      for (const [index, each] of branches.entries()) visit(each, name, index);
    }
  };
  visit(definition, null, null);
  return places;
}

/**
 * The number of items of a Map, if its paths are Reference Paths of plain names; undefined otherwise, because the engine
 * evaluates other paths without reporting the result.
 */
export function itemCount(map: State | undefined, input: unknown): number | undefined {
  let value = input;
  for (const path of [map?.InputPath, map?.ItemsPath]) {
    if (path === undefined) continue;
    if (typeof path !== 'string' || !/^\$(\.\w+)*$/.test(path)) return undefined;
    for (const key of path.split('.').slice(1)) value = (value as Record<string, unknown> | null)?.[key];
  }
  return Array.isArray(value) ? value.length : undefined;
}
