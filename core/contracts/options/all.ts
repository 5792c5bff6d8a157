import type { InputOption } from './option.ts';
import { PACE } from './pace.ts';
import { RESULT } from './result.ts';
import { WHAT } from './what.ts';

/** Every option of an execution, by the key of its input. Inputs are written in this order. */
export const INPUT_OPTIONS = { ...WHAT, ...PACE, ...RESULT } as const;

/** A key of an execution's input. */
export type InputKey = keyof typeof INPUT_OPTIONS;

/** Each option, with its key. */
export const inputOptions = Object.entries(INPUT_OPTIONS) as readonly (readonly [InputKey, InputOption])[];
