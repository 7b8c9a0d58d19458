/** Random programs with tapes: nested, stopped, reset, run again, used inside and outside, over a few tensors and variables. */
import { generator } from '../../ops/support/samples.js';
import type { Names, Statement } from './tape-program.js';

interface Tape {
  readonly name: string;
  readonly persistent: boolean;
}

class Generator {
  readonly #next: () => number;
  readonly #tapes: Tape[] = [];
  /** Tapes that record at this point of the program. TensorFlow ignores what is watched where none does. */
  readonly #active: Tape[] = [];
  #count = 0;
  #left: number;

  constructor(seed: number, size: number) {
    this.#next = generator(`tape ${seed}`);
    this.#left = size;
  }

  program(): readonly Statement[] {
    const start: Statement[] = [];
    const floats: string[] = [];
    for (let i = 0; i < 2; i++) {
      floats.push(this.#name('x'));
      start.push(['constant', floats.at(-1)!, [0.5 + i, 1.25 - i], 'float64']);
    }
    for (let i = 0; i < 2; i++) {
      floats.push(this.#name('v'));
      start.push(['variable', floats.at(-1)!, [1.5 - i, 0.75 + i], this.#chance(0.75)]);
    }
    for (let i = 0; i < 3; i++) {
      const tape = { name: this.#name('t'), persistent: this.#chance(0.6) };
      this.#tapes.push(tape);
      start.push(['tape', tape.name, tape.persistent, this.#chance(0.8)]);
    }
    const body: Statement[] = [];
    while (this.#left > 0) body.push(...this.#block(floats, 0));
    const end = this.#tapes.flatMap((tape) => [this.#gradient(floats, tape), ['watched', tape.name] as const]);
    return [...start, ...body, ...end];
  }

  /** A few statements; what they make is added to `floats`. */
  #block(floats: string[], depth: number): readonly Statement[] {
    const statements: Statement[] = [];
    for (let length = 1 + this.#below(5); length > 0; length--) statements.push(this.#statement(floats, depth));
    return statements;
  }

  #statement(floats: string[], depth: number): Statement {
    this.#left--;
    const choice = this.#next();
    const tape = this.#pick(this.#tapes);
    const idle = this.#tapes.filter((one) => !this.#active.includes(one));
    if (choice < 0.22 && depth < 3 && idle.length > 0) return this.#run(this.#pick(idle), floats, depth);
    if (this.#active.length === 0 || choice < 0.58) return this.#op(floats);
    const active = this.#pick(this.#active);
    if (choice < 0.76) return ['watch', this.#chance(0.9) ? active.name : tape.name, this.#some(floats, 2)];
    if (choice < 0.82 && depth < 3) return this.#stop(active, floats, depth);
    if (choice < 0.85) return ['reset', active.name];
    if (choice < 0.95) return this.#gradient(floats, this.#chance(0.8) ? active : tape);
    return ['watched', tape.name];
  }

  #run(tape: Tape, floats: string[], depth: number): Statement {
    this.#active.push(tape);
    const watch: Statement[] = this.#chance(0.8) ? [['watch', tape.name, this.#some(floats, 3)]] : [];
    const block = this.#block(floats, depth + 1);
    this.#end(tape);
    return ['run', tape.name, [...watch, ...block]];
  }

  #stop(tape: Tape, floats: string[], depth: number): Statement {
    this.#end(tape);
    const block = this.#block(floats, depth + 1);
    this.#active.push(tape);
    return ['stopRecording', tape.name, block];
  }

  #end(tape: Tape): void {
    const at = this.#active.indexOf(tape);
    if (at >= 0) this.#active.splice(at, 1);
  }

  #op(floats: string[]): Statement {
    const name = this.#name('y');
    const [a, b] = [this.#recent(floats), this.#recent(floats)];
    const choice = this.#below(10);
    if (choice === 0) {
      const other = this.#name('y');
      floats.push(name, other);
      return ['op', [name, other], 'halves', this.#pick(floats.slice(0, 4))];
    }
    floats.push(name);
    if (choice < 4) return ['op', name, 'multiply', a, b];
    if (choice < 6) return ['op', name, 'add', a, b];
    if (choice < 8) return ['op', name, 'sin', a];
    // TensorFlow does not count the read of a variable whose gradient is stopped at once.
    const stoppable = a.startsWith('v') ? [] : (['stopGradient'] as const);
    return ['op', name, this.#pick(['identity', 'floor', 'square', ...stoppable] as const), a];
  }

  #gradient(floats: string[], tape: Tape): Statement {
    const targets = this.#some(floats, 2);
    // That a target is its own source the table has; TensorFlow is not consistent about those that are not watched.
    const rest = floats.filter((name) => !targets.includes(name));
    const sources = this.#some(rest.length > 0 ? rest : floats, 3);
    const nest: Names = this.#chance(0.3) ? { first: sources[0]!, rest: sources.slice(1) } : sources;
    const name = this.#name('g');
    if (!tape.persistent) this.#end(tape);
    if (this.#chance(0.5)) floats.push(`${name}.0`);
    return ['gradient', name, tape.name, targets, nest, null, this.#chance(0.8) ? 'none' : 'zero'];
  }

  #some(names: readonly string[], most: number): string[] {
    return [...new Set(Array.from({ length: 1 + this.#below(most) }, () => this.#recent(names)))];
  }

  /** Any of the names, rather a late one. */
  #recent(names: readonly string[]): string {
    return names[names.length - 1 - Math.floor(names.length * this.#next() ** 1.5)]!;
  }

  #name(prefix: string): string {
    return `${prefix}${this.#count++}`;
  }

  #pick<T>(items: readonly T[]): T {
    return items[this.#below(items.length)]!;
  }

  #below(n: number): number {
    return Math.floor(this.#next() * n);
  }

  #chance(p: number): boolean {
    return this.#next() < p;
  }
}

/** The program of that seed. */
export function randomProgram(seed: number): readonly Statement[] {
  return new Generator(seed, 24).program();
}
