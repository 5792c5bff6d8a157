/** Reads a state machine definition as the tests need it: flat, with the Map that each state is in. */
import { builtDefinition } from '../../infra/built-definition.ts';

export interface Retrier {
  readonly ErrorEquals: readonly string[];
  readonly IntervalSeconds: number;
  readonly BackoffRate: number;
  readonly MaxAttempts: number;
  readonly MaxDelaySeconds: number;
  readonly JitterStrategy: string;
}

export interface Catcher {
  readonly ErrorEquals: readonly string[];
  readonly Next: string;
  readonly ResultPath: string;
}

export interface ChoiceRule {
  readonly Variable?: string;
  readonly And?: readonly ChoiceRule[];
  readonly Or?: readonly ChoiceRule[];
  readonly Not?: ChoiceRule;
  readonly Next?: string;
  readonly [operator: string]: unknown;
}

export interface State {
  readonly Type: 'Task' | 'Map' | 'Choice' | 'Wait' | 'Pass' | 'Succeed' | 'Fail';
  readonly Comment?: string;
  readonly Next?: string;
  readonly End?: boolean;
  readonly Default?: string;
  readonly Choices?: readonly ChoiceRule[];
  readonly Retry?: readonly Retrier[];
  readonly Catch?: readonly Catcher[];
  readonly Resource?: string;
  readonly TimeoutSeconds?: number;
  readonly InputPath?: string;
  readonly Parameters?: Readonly<Record<string, unknown>>;
  readonly ItemProcessor?: Machine;
  readonly [field: string]: unknown;
}

export interface Machine {
  readonly StartAt: string;
  readonly States: Readonly<Record<string, State>>;
  readonly [field: string]: unknown;
}

export interface NamedState {
  readonly name: string;
  readonly state: State;
  /** Name of the Map around it. */
  readonly map: string | null;
}

/** Frozen: test files share it, and what writes into it (asl-validator adds defaults) would change what the next one compares. */
export const definition: Machine = JSON.parse(builtDefinition(), (_, value: unknown) => Object.freeze(value));

/** All states, those inside Maps right after their Map. */
export function allStates(machine: Machine = definition, map: string | null = null): NamedState[] {
  return Object.entries(machine.States).flatMap(([name, state]) => [
    { name, state, map },
    ...(state.ItemProcessor ? allStates(state.ItemProcessor, name) : []),
  ]);
}

/** @throws Error when there is no such state */
export function stateNamed(name: string): State {
  const found = allStates().find((candidate) => candidate.name === name);
  if (!found) throw new Error(`There is no state ${name}`);
  return found.state;
}

export function statesOfType(type: State['Type']): NamedState[] {
  return allStates().filter(({ state }) => state.Type === type);
}

/** The part of an ARN after `:function:`. */
export function functionNameOf(state: State): string {
  return /:function:([\w-]+)$/.exec(state.Resource ?? '')?.[1] ?? '';
}

/** The machine as a person would tell it: one line a state, the forward path first. */
export function outline(machine: Machine = definition, indent = ''): string {
  const reached = new Set<string>();
  const pending = [machine.StartAt];
  const lines: string[] = [];
  for (let name = pending.shift(); name !== undefined; name = pending.shift()) {
    if (reached.has(name)) continue;
    reached.add(name);
    const state = machine.States[name];
    if (!state) throw new Error(`There is no state ${name}`);
    lines.push(`${indent}${name}: ${describe(state)}`);
    if (state.ItemProcessor) lines.push(outline(state.ItemProcessor, `${indent}    `));
    pending.unshift(...successors(state));
  }
  const unreachable = Object.keys(machine.States).filter((name) => !reached.has(name));
  return [...lines, ...unreachable.map((name) => `${indent}UNREACHABLE ${name}`)].join('\n');
}

function successors(state: State): string[] {
  const targets = [
    state.Next,
    ...(state.Choices ?? []).map((rule) => rule.Next),
    state.Default,
    ...(state.Catch ?? []).map((catcher) => catcher.Next),
  ];
  return targets.filter((target) => target !== undefined);
}

function describe(state: State): string {
  const what = {
    Task: () => `${functionNameOf(state)} (${state.TimeoutSeconds} s)`,
    Map: () => `each of ${state.ItemsPath}, ${state.MaxConcurrencyPath} at once`,
    Choice: () => [...(state.Choices ?? []).map(rule), `else ${state.Default}`].join('; '),
    Wait: () => `${state.SecondsPath} seconds`,
    Pass: () => state.InputPath ?? JSON.stringify(state.Parameters),
    Succeed: () => `success${state.OutputPath ? ` with ${state.OutputPath}` : ''}`,
    Fail: () => `failure ${state.Error ?? state.ErrorPath}, cause ${state.CausePath}`,
  }[state.Type]();
  const result = 'ResultPath' in state ? `, result to ${state.ResultPath ?? 'nowhere'}` : '';
  const next = state.Next ? ` -> ${state.Next}` : '';
  const caught = (state.Catch ?? []).map(({ ErrorEquals, Next }) => `; ${ErrorEquals.join()} -> ${Next}`).join('');
  return `${what}${result}${next}${caught}`;
}

function rule(choice: ChoiceRule): string {
  return `${test(choice)} -> ${choice.Next}`;
}

function test({ And, Or, Not, Variable, Next: _, ...operators }: ChoiceRule): string {
  if (And) return And.map(test).join(' and ');
  if (Or) return Or.map(test).join(' or ');
  if (Not) return `not (${test(Not)})`;
  const [operator, operand] = Object.entries(operators)[0] ?? [];
  return `${Variable} ${operator} ${JSON.stringify(operand)}`;
}
