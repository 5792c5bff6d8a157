/** Asks PostgreSQL what a query takes and returns, without running it: Parse and Describe of the extended protocol. */
import type { ClientBase, Connection } from 'pg';

/** Types by their oid in pg_type. */
export interface Description {
  /** Of `$1`, `$2` and so on. */
  readonly parameters: readonly number[];
  /** In their order; empty where the statement returns no rows. */
  readonly columns: readonly { readonly name: string; readonly type: number }[];
}

/**
 * @param text one statement, with parameters as `$1`
 * @throws DatabaseError where PostgreSQL does not understand it
 */
export function describe(client: ClientBase, text: string): Promise<Description> {
  return new Promise((resolve, reject) => client.query(new Describe(text, resolve, reject)));
}

/** What node-postgres sends in place of a query; it calls the methods whose names begin with `handle`. */
class Describe {
  readonly #text: string;
  readonly #resolve: (description: Description) => void;
  readonly #reject: (error: Error) => void;
  #parameters: readonly number[] = [];
  #columns: Description['columns'] = [];

  constructor(text: string, resolve: (description: Description) => void, reject: (error: Error) => void) {
    this.#text = text;
    this.#resolve = resolve;
    this.#reject = reject;
  }

  submit(connection: Connection): void {
    const keep = ({ dataTypeIDs }: { readonly dataTypeIDs: readonly number[] }) => {
      this.#parameters = dataTypeIDs;
    };
    connection.once('parameterDescription', keep);
    connection.once('readyForQuery', () => connection.off('parameterDescription', keep));
    connection.parse({ name: '', text: this.#text, types: [] }, true);
    connection.describe({ type: 'S', name: '' }, true);
    connection.sync();
  }

  handleRowDescription({ fields }: { readonly fields: readonly { name: string; dataTypeID: number }[] }): void {
    this.#columns = fields.map(({ name, dataTypeID }) => ({ name, type: dataTypeID }));
  }

  handleError(error: Error): void {
    this.#reject(error);
  }

  handleReadyForQuery(): void {
    this.#resolve({ parameters: this.#parameters, columns: this.#columns });
  }
}
