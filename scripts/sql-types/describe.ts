/**
 * Asks PostgreSQL for the types of a query's parameters and columns, without running it: Parse and Describe of the extended
 * protocol. https://www.postgresql.org/docs/current/protocol-flow.html#PROTOCOL-FLOW-EXT-QUERY
 */
import type { ClientBase, Connection } from 'pg';

/** The types of a query, as oids in pg_type. */
export interface Description {
  /** Types of the parameters `$1`, `$2` and so on. */
  readonly parameters: readonly number[];
  /** The columns, in their order; empty where the statement returns no rows. */
  readonly columns: readonly { readonly name: string; readonly type: number }[];
}

/**
 * Describes a statement.
 *
 * @param text one statement, with parameters as `$1`
 * @throws DatabaseError where PostgreSQL does not accept it
 */
export function describe(client: ClientBase, text: string): Promise<Description> {
  return new Promise((resolve, reject) => client.query(new Describe(text, resolve, reject)));
}

/** A query object for node-postgres, which calls its `submit`, and its methods whose names begin with `handle`. */
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
