/**
 * Source maps without other projects' files: they were three quarters of the maps, and tell nothing that a stack trace of ours
 * needs.
 */
import { dirname, resolve } from 'node:path';
import { decode, encode, type SourceMapMappings, type SourceMapSegment } from '@jridgewell/sourcemap-codec';
import type { OutputFile } from './output.ts';

const OTHERS = /[\\/]node_modules[\\/]/;

/** The parts of a source map that esbuild writes. */
interface SourceMap {
  readonly version: number;
  readonly sources: readonly string[];
  readonly mappings: string;
  readonly names: readonly string[];
}

/** The same files, with their maps reduced. */
export function withOwnMaps(files: readonly OutputFile[]): OutputFile[] {
  return files.map((file) =>
    file.path.endsWith('.map')
      ? { ...file, contents: reduced(Buffer.from(file.contents).toString('utf8'), dirname(file.path)) }
      : file,
  );
}

/** @param folder of the map, from where its sources are named */
function reduced(text: string, folder: string): Buffer {
  const map = JSON.parse(text) as SourceMap;
  const sources = map.sources.filter((source) => !OTHERS.test(resolve(folder, source)));
  const indexes = map.sources.map((source) => sources.indexOf(source));
  const names: string[] = [];
  const known = new Map<string, number>();
  const indexOf = (name: string) => {
    const index = known.get(name) ?? names.push(name) - 1;
    known.set(name, index);
    return index;
  };
  const mappings: SourceMapMappings = decode(map.mappings).map((line) =>
    line
      .map((segment): SourceMapSegment => {
        const [column, source = 0, originalLine = 0, originalColumn = 0, name] = segment;
        const index = segment.length === 1 ? -1 : (indexes[source] ?? -1);
        // Without a source: otherwise this place would count as the continuation of our file before it.
        if (index < 0) return [column];
        if (name === undefined) return [column, index, originalLine, originalColumn];
        return [column, index, originalLine, originalColumn, indexOf(map.names[name] ?? '')];
      })
      .filter((segment, at, all) => segment.length > 1 || all[at - 1]?.length !== 1),
  );
  return Buffer.from(JSON.stringify({ ...map, sources, names, mappings: encode(mappings) }));
}
