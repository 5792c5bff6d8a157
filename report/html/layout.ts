/**
 * Where the states of the graph stand. dagre lays out; it knows no edge from or to a group, so the inside of each Map is
 * laid out first, and counts as one large node outside.
 */
import dagre from '@dagrejs/dagre';
import type { ReportState, Transition } from '../contracts.ts';
import { duration, plural } from '../words.ts';

export interface PlacedNode {
  readonly state: ReportState;
  /** Of its centre, within what it is placed in. */
  readonly x: number;
  readonly y: number;
  readonly width: number;
  readonly height: number;
  /** Of a Map: what is inside, with its own origin at the node's top left corner. */
  readonly inside: Placed | null;
}

export interface PlacedEdge {
  readonly transition: Transition;
  readonly points: readonly { readonly x: number; readonly y: number }[];
}

export interface Placed {
  readonly width: number;
  readonly height: number;
  readonly nodes: readonly PlacedNode[];
  readonly edges: readonly PlacedEdge[];
}

/** Pixels. Fonts differ from machine to machine: these are the wide ones' widths of a character at 13 and at 11 px. */
const NODE_HEIGHT = 40;
const NAME_CHARACTER = 8.1;
const SUB_CHARACTER = 6.6;
const PADDING = 44;
const NARROWEST = 128;
const MAP_HEADER = 34;
const MAP_MARGIN = 10;

export function layOut(states: readonly ReportState[], transitions: readonly Transition[]): Placed {
  // dagre gives a graph without nodes an extent of minus infinity.
  if (states.length === 0) return { width: 0, height: 0, nodes: [], edges: [] };
  return place(states, transitions, null, 'TB');
}

function place(
  states: readonly ReportState[],
  transitions: readonly Transition[],
  parent: string | null,
  direction: 'TB' | 'LR',
): Placed {
  const here = states.filter((state) => state.parent === parent);
  const names = new Set(here.map((state) => state.name));
  const graph = new dagre.graphlib.Graph({ multigraph: true });
  graph.setGraph({ rankdir: direction, nodesep: 22, ranksep: 24, marginx: 6, marginy: 6 });
  graph.setDefaultEdgeLabel(() => ({}));
  const insides = new Map<string, Placed>();
  for (const state of here) {
    const inside = states.some((other) => other.parent === state.name)
      ? place(states, transitions, state.name, 'LR')
      : null;
    if (inside !== null) insides.set(state.name, inside);
    graph.setNode(state.name, sizeOf(state, inside));
  }
  const ways = transitions.filter((way) => names.has(way.from) && names.has(way.to));
  // Polling loops go against the flow: as weak edges they bend, and the main way stays straight.
  for (const way of ways) graph.setEdge(way.from, way.to, { weight: way.kind === 'catch' ? 1 : 4 });
  dagre.layout(graph);
  const { width = 0, height = 0 } = graph.graph();
  return {
    width,
    height,
    nodes: here.map((state) => {
      const at = graph.node(state.name) as { x: number; y: number; width: number; height: number };
      return { state, x: at.x, y: at.y, width: at.width, height: at.height, inside: insides.get(state.name) ?? null };
    }),
    edges: ways.map((transition) => ({
      transition,
      points: (graph.edge(transition.from, transition.to) as { points: { x: number; y: number }[] }).points,
    })),
  };
}

function sizeOf(state: ReportState, inside: Placed | null): { width: number; height: number } {
  const name = state.name.length * NAME_CHARACTER;
  const sub = subtitleOf(state).length * SUB_CHARACTER;
  if (inside === null) return { width: Math.max(NARROWEST, Math.max(name, sub) + PADDING), height: NODE_HEIGHT };
  return {
    width: Math.max(name + sub + PADDING + 12, inside.width + 2 * MAP_MARGIN),
    height: inside.height + MAP_HEADER + MAP_MARGIN,
  };
}

/** The second line of a node: how often, how long, how many failures. */
export function subtitleOf(state: ReportState): string {
  if (state.outcome === 'not-entered') return state.type;
  const times = state.parent !== null || state.entered > 1 ? `${state.entered} ×` : '';
  const works = /^(Task|Map|Wait)$/.test(state.type);
  const took = works && state.durationMs !== null && state.durationMs >= 2 ? duration(state.durationMs) : '';
  const failures = state.failures > 0 ? plural(state.failures, 'failure') : '';
  return [times, took, failures].filter((part) => part !== '').join(' · ') || state.type;
}

/** Where the inside of a Map begins, below its own name. */
export function insideOf(node: PlacedNode): { readonly x: number; readonly y: number } {
  return { x: (node.width - (node.inside?.width ?? 0)) / 2, y: MAP_HEADER };
}
