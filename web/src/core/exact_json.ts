/**
 * JSON with its whole numbers exact: `JSON.parse` makes a float of each, and above 2^53 another number.
 *
 *     {"spent": 9007199254740993}   ->   { spent: 9007199254740993n }
 */

export type Exact = null | boolean | bigint | string | Exact[] | { [name: string]: Exact };

const TOKEN = /"(?:[^"\\]|\\.)*"|-?[0-9][0-9.eE+-]*/g;
const WHOLE = /^-?(?:0|[1-9][0-9]*)$/;
const LONGEST_NUMBER = 100;

/** What a text says, integers as bigint. Throws SyntaxError for what is no JSON, and for any other number. */
export function parseExact(text: string): Exact {
  // Every string and number becomes a string that begins with its kind, so that none is taken for the other.
  const marked = text.replace(TOKEN, (token) =>
    token.startsWith('"') ? `"s${token.slice(1)}` : `"n${token}"`,
  );
  return JSON.parse(marked, (_, value: unknown) => unmarked(value)) as Exact;
}

function unmarked(value: unknown): unknown {
  if (typeof value === "string") return value.startsWith("s") ? value.slice(1) : whole(value.slice(1));
  if (typeof value === "object" && value !== null && !Array.isArray(value)) {
    return Object.fromEntries(Object.entries(value).map(([name, member]) => [nameOf(name), member]));
  }
  return value;
}

function nameOf(marked: string): string {
  if (!marked.startsWith("s")) throw new SyntaxError(`${marked.slice(1, 41)} is no name: names are strings`);
  return marked.slice(1);
}

function whole(text: string): bigint {
  if (!WHOLE.test(text) || text.length > LONGEST_NUMBER) {
    throw new SyntaxError(`${text.slice(0, 40)} is no whole number`);
  }
  return BigInt(text);
}
