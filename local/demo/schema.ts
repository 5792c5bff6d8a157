/** The database of the demo: `path` references `inode`, both LIST-partitioned, 17 pairs of very unequal size. */
import type { Client } from 'pg';
import { type Row, run } from '../../core/postgres/sql.ts';
import { readSql } from '../../core/postgres/sql-files.ts';

/** One medium: a partition of `inode` and, for all media except the last, the partition of `path` that references it. */
export interface Medium {
  /** The bound of both partitions. */
  readonly mediumHash: string;
  readonly inodePartition: string;
  readonly pathPartition: string | null;
  readonly inodes: number;
  readonly paths: number;
}

/**
 * Creates and fills the tables, with the valid parent FK, in schema `public` of an empty database. The same `rows` always gives
 * the same data.
 *
 * @param rows rows of `path` in all, at least 17
 * @returns the media, largest first
 */
export async function seed(
  client: Client,
  rows: number,
  onMedium: (medium: Medium) => void = () => {},
): Promise<Medium[]> {
  await client.query(readSql('demo/schema'));
  const media: Medium[] = [];
  for (const row of await run(client, 'demo/media', { rows })) {
    for (const { statement } of await run(client, 'demo/create-partitions', { ...row })) {
      await client.query(statement);
    }
    await run(client, 'demo/load-inodes', { ...row });
    if (row.path_partition !== null) await run(client, 'demo/load-paths', { ...row });
    const medium = toMedium(row);
    media.push(medium);
    onMedium(medium);
  }
  await client.query(readSql('demo/add-foreign-key'));
  await client.query(readSql('demo/analyze'));
  return media;
}

function toMedium(row: Row<'demo/media'>): Medium {
  return {
    mediumHash: row.medium_hash,
    inodePartition: row.inode_partition,
    pathPartition: row.path_partition,
    inodes: Number(row.inodes),
    paths: Number(row.paths),
  };
}
