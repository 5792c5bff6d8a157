/** Event with which a schedule calls a function only to keep it able to start; no step has a field of this name. */
export const KEEP_READY = { p2pfk: 'keep-ready' } as const;
