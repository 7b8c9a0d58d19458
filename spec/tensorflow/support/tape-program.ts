/** Programs with tapes, as data: built here by tapeless, and by ../tapes.py with TensorFlow. */
import { spawnSync } from 'node:child_process';
import { fileURLToPath } from 'node:url';
import * as tl from '../../../src/index.js';
import { flatten, packLike, type Nest } from '../../../src/ops/nest.js';

export type Names = Nest<string>;

/** Results of a gradient called `g` go by the names `g.0`, `g.1`, … */
export type Statement =
  | readonly ['constant', name: string, value: number | readonly number[], dtype: 'float64' | 'int32']
  | readonly ['variable', name: string, value: number | readonly number[], trainable: boolean]
  | readonly ['op', name: string | readonly string[], op: keyof typeof ops, ...args: string[]]
  | readonly [
      'cond',
      name: string,
      pred: boolean,
      then: readonly Statement[],
      thenResult: string,
      otherwise: readonly Statement[],
      otherwiseResult: string,
    ]
  | readonly ['tape', name: string, persistent: boolean, watchAccessedVariables: boolean]
  | readonly ['run' | 'stopRecording', name: string, statements: readonly Statement[]]
  | readonly ['reset' | 'watched', name: string]
  | readonly ['watch', name: string, what: Names]
  | readonly [
      'gradient',
      out: string,
      name: string,
      target: Names,
      sources: Names,
      outputGradients: Names | null,
      unconnectedGradients: 'none' | 'zero',
    ]
  | readonly ['jacobian', out: string, name: string, target: string, sources: Names, batch: boolean];

export interface Value {
  readonly dtype: string;
  readonly shape: readonly number[];
  readonly data: readonly number[];
}

export type Said =
  | { readonly error: string }
  | { readonly watched: readonly string[] }
  | { readonly gradient: readonly (Value | null)[]; readonly structure: unknown };

type Thing = tl.Tensor | tl.Variable;

const tensor = (x: Thing): tl.Tensor => tl.convertToTensor(x);

const ops = {
  multiply: (x: Thing, y: Thing) => tl.multiply(x, y),
  add: (x: Thing, y: Thing) => tl.add(x, y),
  sin: (x: Thing) => tl.sin(x),
  square: (x: Thing) => tl.square(x),
  floor: (x: Thing) => tl.floor(x),
  identity: (x: Thing) => tl.identity(x),
  stopGradient: (x: Thing) => tl.stopGradient(x),
  toInteger: (x: Thing) => tl.cast(x, 'int32'),
  toFloat: (x: Thing) => tl.cast(x, 'float64'),
  repeatRow: (x: Thing) => tl.gather(tensor(x), [0, 0]),
  halves: (x: Thing) => tl.split(tensor(x), 2),
  assign: (v: Thing, x: Thing) => (v as tl.Variable).assign(x),
  value: (v: Thing) => (v as tl.Variable).value(),
} as const;

/** What a tape said, before it is run. */
type Pending =
  | Exclude<Said, { gradient: unknown }>
  | { readonly gradient: readonly (tl.Tensor | null)[]; readonly structure: unknown };

/** A name whose statement failed: what uses it is left out, on both sides. */
class Missing extends Error {}

class Machine {
  readonly #values = new Map<string, Thing>();
  readonly #tapes = new Map<string, tl.GradientTape>();
  readonly said: Pending[] = [];

  block(statements: readonly Statement[]): void {
    for (const statement of statements) {
      try {
        this.#do(statement);
      } catch (error) {
        if (!(error instanceof Missing)) throw error;
        this.said.push({ error: `missing ${error.message}` });
      }
    }
  }

  #get(names: Names): Nest<Thing> {
    return packLike(
      names,
      flatten(names).map((name) => this.#value(name)),
    ) as Nest<Thing>;
  }

  #value(name: string): Thing {
    const value = this.#values.get(name);
    if (!value) throw new Missing(name);
    return value;
  }

  #attempt(fn: () => void): void {
    try {
      fn();
    } catch (error) {
      if (!(error instanceof tl.TapelessError || error instanceof Missing)) throw error;
      this.said.push({ error: error.message });
    }
  }

  #do(statement: Statement): void {
    switch (statement[0]) {
      case 'constant':
        this.#values.set(statement[1], tl.constant(statement[2], { dtype: statement[3] }));
        return;
      case 'variable': {
        const [, name, value, trainable] = statement;
        this.#values.set(name, tl.variable(value, { dtype: 'float64', name, trainable }));
        return;
      }
      case 'op': {
        const [, name, op, ...args] = statement;
        const result = (ops[op] as (...args: readonly Thing[]) => Thing | readonly Thing[])(
          ...args.map((arg) => this.#value(arg)),
        );
        const names = [name].flat();
        [result].flat().forEach((item, i) => this.#values.set(names[i]!, item));
        return;
      }
      case 'cond': {
        const [, name, pred, then, thenResult, otherwise, otherwiseResult] = statement;
        const branch = (block: readonly Statement[], result: string) => (): tl.Tensor => {
          this.block(block);
          return tensor(this.#value(result));
        };
        const chosen: tl.Tensor = tl.cond(
          tl.constant(pred),
          branch(then, thenResult),
          branch(otherwise, otherwiseResult),
        );
        this.#values.set(name, chosen);
        return;
      }
      case 'tape':
        this.#tapes.set(
          statement[1],
          new tl.GradientTape({ persistent: statement[2], watchAccessedVariables: statement[3] }),
        );
        return;
      default:
        this.#tell(
          this.#tapes.get(statement[1 + Number(statement[0] === 'gradient' || statement[0] === 'jacobian')] as string)!,
          statement,
        );
    }
  }

  #tell(tape: tl.GradientTape, statement: Statement): void {
    switch (statement[0]) {
      case 'run':
        return this.#attempt(() => tape.run(() => this.block(statement[2])));
      case 'stopRecording':
        return this.#attempt(() => tape.stopRecording(() => this.block(statement[2])));
      case 'reset':
        return this.#attempt(() => tape.reset());
      case 'watch':
        return this.#attempt(() => tape.watch(this.#get(statement[2])));
      case 'watched':
        this.said.push({ watched: tape.watchedVariables().map(({ name }) => name.split(':')[0]!) });
        return;
      case 'gradient': {
        const [, out, , target, sources, outputGradients, unconnectedGradients] = statement;
        const given = outputGradients === null ? {} : { outputGradients: this.#get(outputGradients) };
        return this.#attempt(() =>
          this.#keep(out, tape.gradient(this.#get(target), this.#get(sources), { ...given, unconnectedGradients })),
        );
      }
      default:
        throw new Error(`there is no statement '${statement[0]}'`);
    }
  }

  #keep(out: string, found: unknown): void {
    const flat = flatten(found as Nest<tl.Tensor | tl.IndexedSlices | null>).map((g) =>
      g === null ? null : tl.convertToTensor(g),
    );
    flat.forEach((g, i) => g && this.#values.set(`${out}.${i}`, g));
    this.said.push({
      gradient: flat,
      structure: packLike(
        found,
        flat.map(() => '*'),
      ),
    });
  }
}

/** What the tapes of a program say here. */
export function ask(program: readonly Statement[]): readonly Said[] {
  const graph = new tl.Graph();
  return graph.asDefault(() => {
    const machine = new Machine();
    machine.block(program);
    const session = new tl.Session({ graph });
    session.runSync(tl.globalVariablesInitializer());
    const encode = (g: tl.Tensor): Value => {
      const { dtype, shape, data } = session.runSync(g);
      return { dtype, shape, data: [...(data as Iterable<number>)] };
    };
    return machine.said.map((said) =>
      'gradient' in said ? { ...said, gradient: said.gradient.map((g) => g && encode(g)) } : said,
    );
  });
}

/** What they say in TensorFlow, eagerly and in a graph. */
export function askTensorFlow(
  programs: readonly (readonly Statement[])[],
): readonly { readonly eager: readonly Said[]; readonly graph: readonly Said[] }[] {
  const python = process.env.TAPELESS_PYTHON;
  if (!python) throw new Error('TAPELESS_PYTHON is not set: use `npm run test:tensorflow`.');
  const script = fileURLToPath(new URL('../tapes.py', import.meta.url));
  const { status, stdout, stderr } = spawnSync(python, [script], {
    input: JSON.stringify(programs),
    encoding: 'utf8',
    maxBuffer: 1 << 30,
  });
  if (status !== 0) throw new Error(`tapes.py ended (${status}).\n${stderr.slice(-4000)}`);
  return JSON.parse(stdout) as readonly { eager: readonly Said[]; graph: readonly Said[] }[];
}

/** How two answers differ; null where they agree: the same errors, nulls, structures, dtypes and shapes, and values to rounding. */
export function difference(ours: readonly Said[], theirs: readonly Said[]): string | null {
  if (ours.length !== theirs.length) return `${ours.length} answers, not ${theirs.length}`;
  for (const [i, a] of ours.entries()) {
    const b = theirs[i]!;
    const at = `answer ${i}: ${JSON.stringify(a)}, TensorFlow ${JSON.stringify(b)}`;
    if ('error' in a || 'error' in b) {
      if (!('error' in a && 'error' in b)) return at;
    } else if ('watched' in a || 'watched' in b) {
      if (JSON.stringify(a) !== JSON.stringify(b)) return at;
    } else if (
      JSON.stringify(a.structure) !== JSON.stringify(b.structure) ||
      !a.gradient.every((g, j) => sameValue(g, b.gradient[j]!))
    ) {
      return at;
    }
  }
  return null;
}

function sameValue(a: Value | null, b: Value | null): boolean {
  if (a === null || b === null) return a === b;
  if (a.dtype !== b.dtype || String(a.shape) !== String(b.shape)) return false;
  return a.data.every((x, i) => Math.abs(x - b.data[i]!) <= 1e-9 * Math.max(1, Math.abs(x)));
}
