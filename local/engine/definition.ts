/**
 * Adaptation of a state machine definition to the local engine. What the engine interprets differently from AWS is rewritten in a
 * form that both interpret equally; what it would silently ignore is refused. Nothing is interpreted here. docs/local-engine.md
 * lists each difference, with the test that shows it.
 */

/** One state of an Amazon States Language definition, as the JSON has it. */
export interface State {
  readonly Type: string;
  readonly [field: string]: unknown;
}

/** A definition, as the JSON has it. */
export interface StateMachineDefinition {
  readonly StartAt: string;
  readonly States: Readonly<Record<string, State>>;
  readonly [field: string]: unknown;
}

/** The properties of a Task state that the adapter needs. */
export interface TaskDefinition {
  readonly state: string;
  /** The part of the Resource behind `:function:`. */
  readonly functionName: string;
  readonly resource: string;
  /** AWS's default where the Task has none. */
  readonly timeoutSeconds: number;
  /** The Task's own `TimeoutSeconds`. */
  readonly namedTimeoutSeconds?: number;
  /** Whether the handler's event is the state's input, unchanged. */
  readonly takesInputAsIs: boolean;
}

/** The rewritten definition, and what the adapter needs to know about it. */
export interface AdaptedDefinition {
  /** For the engine, without validation: the original has been validated. */
  readonly definition: StateMachineDefinition;
  readonly tasks: readonly TaskDefinition[];
  /** State name -> names of the Map and Parallel states that contain it, outermost first. */
  readonly parents: ReadonlyMap<string, readonly string[]>;
}

/** AWS's own default. It is limited to what a timer of Node can hold (24.8 days): a longer one would fire at once. */
export const DEFAULT_TIMEOUT_SECONDS = 99_999_999;
const MAX_TIMER_SECONDS = Math.floor((2 ** 31 - 1) / 1000);

/** Fields that the engine accepts and ignores: a machine that relies on one would behave differently in AWS. */
const IGNORED_FIELDS = [
  'Assign',
  'Arguments',
  'Output',
  'HeartbeatSeconds',
  'HeartbeatSecondsPath',
  'ItemBatcher',
  'ItemReader',
  'ResultWriter',
  'ToleratedFailureCount',
  'ToleratedFailureCountPath',
  'ToleratedFailurePercentage',
  'ToleratedFailurePercentagePath',
] as const;

/** Choice operators that the engine reads as `false` when they test for `false`. */
const TYPE_TESTS = ['IsNull', 'IsPresent', 'IsNumeric', 'IsString', 'IsBoolean', 'IsTimestamp'] as const;

const LAMBDA_RESOURCE = /:function:([\w-]+)$/;

/** @throws Error that lists everything in the definition that the local engine cannot do */
export function adaptDefinition(definition: StateMachineDefinition): AdaptedDefinition {
  const tasks: TaskDefinition[] = [];
  const parents = new Map<string, readonly string[]>();
  const problems: string[] = [];

  const visitMachine = (machine: StateMachineDefinition, around: readonly string[]): StateMachineDefinition => {
    if (machine.QueryLanguage === 'JSONata') problems.push('QueryLanguage JSONata is not supported');
    const states = Object.entries(machine.States).map(([name, state]) => [name, visitState(name, state, around)]);
    return { ...machine, States: Object.fromEntries(states) };
  };

  const visitState = (name: string, original: State, around: readonly string[]): State => {
    parents.set(name, around);
    for (const field of IGNORED_FIELDS) {
      if (field in original) problems.push(`state ${name}: ${field} is not supported`);
    }
    if (original.QueryLanguage === 'JSONata') problems.push(`state ${name}: JSONata is not supported`);

    let state = withoutRootResultPaths(original);
    if (state.Type === 'Pass') state = withFalsyResult(state);
    if (state.Type === 'Choice') state = { ...state, Choices: (state.Choices as readonly object[]).map(withTypeTests) };
    if (state.Type === 'Task') {
      const task = describeTask(name, state, problems);
      tasks.push(task);
      if (!('TimeoutSecondsPath' in state)) state = { ...state, TimeoutSeconds: task.timeoutSeconds };
    }
    // The adapter identifies iterations of a Map by their states, which does not work inside another Map.
    if ((state.Type === 'Map' || state.Type === 'Parallel') && around.length > 0) {
      problems.push(`state ${name}: a ${state.Type} inside ${around.at(-1)} is not supported`);
    }
    if (state.Type === 'Map') {
      const processor = (state.ItemProcessor ?? state.Iterator) as StateMachineDefinition;
      if ((processor.ProcessorConfig as { Mode?: string } | undefined)?.Mode === 'DISTRIBUTED') {
        problems.push(`state ${name}: a distributed Map is not supported`);
      }
      state = { ...state, ItemProcessor: visitMachine(processor, [...around, name]) };
    }
    if (state.Type === 'Parallel') {
      const branches = state.Branches as readonly StateMachineDefinition[];
      state = { ...state, Branches: branches.map((branch) => visitMachine(branch, [...around, name])) };
    }
    return state;
  };

  const adapted = visitMachine(definition, []);
  if (problems.length > 0) throw new Error(`The local engine cannot run this state machine: ${problems.join('; ')}.`);
  return { definition: adapted, tasks, parents };
}

function describeTask(name: string, state: State, problems: string[]): TaskDefinition {
  const resource = String(state.Resource);
  const functionName = LAMBDA_RESOURCE.exec(resource)?.[1] ?? '';
  if (functionName === '') problems.push(`state ${name}: Resource ${resource} is not a Lambda function's ARN`);
  const named = typeof state.TimeoutSeconds === 'number' ? state.TimeoutSeconds : undefined;
  return {
    state: name,
    functionName,
    resource,
    timeoutSeconds: Math.min(named ?? DEFAULT_TIMEOUT_SECONDS, MAX_TIMER_SECONDS),
    ...(named === undefined ? {} : { namedTimeoutSeconds: named }),
    takesInputAsIs: !('Parameters' in state) && !('InputPath' in state),
  };
}

/** `"ResultPath": "$"` is the same as no ResultPath; the engine would write a field named `$`. */
function withoutRootResultPaths(state: State): State {
  const clean = <T extends object>(part: T): T => {
    if (!('ResultPath' in part) || part.ResultPath !== '$') return part;
    const { ResultPath: _, ...rest } = part;
    return rest as unknown as T;
  };
  const catchers = state.Catch as readonly object[] | undefined;
  return clean(catchers === undefined ? state : { ...state, Catch: catchers.map(clean) });
}

/** The engine ignores a falsy `Result` (null, false, 0, "") and passes the input on; it reads `Parameters` correctly. */
function withFalsyResult(state: State): State {
  if (!('Result' in state) || state.Result) return state;
  const { Result, ...rest } = state;
  return { ...rest, Parameters: Result } as State;
}

/** `"IsNull": false` never matches in the engine; the negation of `"IsNull": true` does. */
function withTypeTests(rule: object): object {
  const { Next, ...test } = rule as Record<string, unknown>;
  const next = Next === undefined ? {} : { Next };
  for (const nested of ['And', 'Or'] as const) {
    const rules = test[nested];
    if (Array.isArray(rules)) return { [nested]: rules.map(withTypeTests), ...next };
  }
  if (test.Not !== undefined) return { Not: withTypeTests(test.Not as object), ...next };
  const negative = TYPE_TESTS.find((operator) => test[operator] === false);
  return negative === undefined ? rule : { Not: { ...test, [negative]: true }, ...next };
}
