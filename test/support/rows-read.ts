/** How many rows the queries of a session read, as auto_explain counts them: a measure of work that does not depend on the machine. */
import type { Client } from 'pg';

/** A node of EXPLAIN (ANALYZE, FORMAT JSON), in the parts that are read here. */
interface PlanNode {
  readonly 'Node Type': string;
  readonly 'Actual Rows': number;
  readonly 'Actual Loops': number;
  readonly 'Rows Removed by Filter'?: number;
  readonly 'Rows Removed by Join Filter'?: number;
  readonly 'Relation Name'?: string;
  readonly 'CTE Name'?: string;
  readonly Plans?: readonly PlanNode[];
}

/** What one node of a query's plan has read, together with what it has thrown away. */
export interface RowsRead {
  /** The beginning of the query. */
  readonly query: string;
  readonly node: string;
  /** The catalog that it reads, if it does. */
  readonly relation: string | undefined;
  readonly rows: number;
}

/** From here on counts what this session reads, in the nodes of all plans. A superuser's session. */
export async function countRowsRead(session: Client): Promise<RowsRead[]> {
  const read: RowsRead[] = [];
  session.on('notice', ({ message }) => {
    if (message?.includes('"Plan"')) read.push(...rowsRead(message));
  });
  await session.query(`LOAD 'auto_explain';
    SET auto_explain.log_min_duration = 0; SET auto_explain.log_analyze = on; SET auto_explain.log_timing = off;
    SET auto_explain.log_format = json; SET auto_explain.log_level = notice; SET client_min_messages = notice`);
  return read;
}

function rowsRead(message: string): RowsRead[] {
  const { Plan: plan, 'Query Text': text } = JSON.parse(message.slice(message.indexOf('{'))) as {
    Plan: PlanNode;
    'Query Text': string;
  };
  return nodesOf(plan).map((node) => ({
    query: text.slice(0, 100),
    node: [node['Node Type'], node['Relation Name'] ?? node['CTE Name']].filter(Boolean).join(' on '),
    relation: node['Relation Name'],
    rows:
      node['Actual Loops'] *
      (node['Actual Rows'] + (node['Rows Removed by Filter'] ?? 0) + (node['Rows Removed by Join Filter'] ?? 0)),
  }));
}

function nodesOf(node: PlanNode): readonly PlanNode[] {
  return [node, ...(node.Plans ?? []).flatMap(nodesOf)];
}
