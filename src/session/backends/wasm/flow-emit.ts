/** Emits calls one after another, and the loops and choices that they are in. */
import type { Code, FunctionRef, FunctionType } from './assembler/code.js';
import type { ModuleBuilder } from './assembler/module.js';
import type { Call, EntryImports, EntryStep, Mark } from './entry.js';

type Node =
  | { readonly kind: 'call'; readonly call: Call; readonly step: number; readonly job: number; readonly weight: 1 }
  | {
      readonly kind: 'loop';
      readonly before: readonly Node[];
      readonly address: number;
      readonly after: readonly Node[];
      readonly step: number;
      readonly weight: number;
    }
  | {
      readonly kind: 'choice';
      readonly address: number;
      readonly yes: readonly Node[];
      readonly no: readonly Node[];
      readonly weight: number;
    };

/** Steps with what is between their marks. */
export function parse(steps: readonly (EntryStep | null)[]): readonly Node[] {
  let [at, jobs] = [0, 0];
  const until = (...ends: readonly Mark['mark'][]): readonly Node[] => {
    const nodes: Node[] = [];
    while (at < steps.length) {
      const step = steps[at++];
      if (!step) continue;
      if (!('mark' in step)) {
        nodes.push({ kind: 'call', call: step, step: at - 1, job: step.split ? jobs++ : -1, weight: 1 });
      } else if (step.mark === 'loop') {
        const before = until('while');
        const { address } = steps[at - 1] as Mark;
        const after = until('again');
        nodes.push({ kind: 'loop', before, address, after, step: at - 1, weight: weightOf(before) + weightOf(after) });
      } else if (step.mark === 'if') {
        const [yes, no] = [until('else'), until('end')];
        nodes.push({ kind: 'choice', address: step.address, yes, no, weight: weightOf(yes) + weightOf(no) });
      } else if (ends.includes(step.mark)) break;
    }
    return nodes;
  };
  return until();
}

function weightOf(nodes: readonly Node[]): number {
  return nodes.reduce((sum, { weight }) => sum + weight, 1);
}

/** Calls in a function of the entry at most: engines compile function by function. */
const callsInEntry = 500;

export class EntryWriter {
  readonly #module: ModuleBuilder;
  readonly #imports: EntryImports | null;
  /** (polls), where somebody can be asked. */
  readonly type: FunctionType;

  constructor(module: ModuleBuilder, imports: EntryImports | null) {
    this.#module = module;
    this.#imports = imports;
    this.type = { params: imports ? ['i32'] : [], results: [] };
  }

  /** In a function of that type; what is long goes into more of them. */
  write(code: Code, nodes: readonly Node[]): void {
    if (weightOf(nodes) <= callsInEntry) {
      for (const node of nodes) this.#node(code, node);
      return;
    }
    for (const part of this.#parts(nodes)) {
      if (this.#imports) code.get(code.params[0]!);
      code.call(part);
    }
  }

  #parts(nodes: readonly Node[]): readonly FunctionRef[] {
    const parts: FunctionRef[] = [];
    let [some, weight]: [Node[], number] = [[], 0];
    const close = (): void => {
      const inside = some;
      if (inside.length === 0) return;
      parts.push(
        this.#module.define('part', this.type, (code) => {
          for (const node of inside) this.#node(code, node);
        }),
      );
      [some, weight] = [[], 0];
    };
    for (const node of nodes) {
      if (weight + node.weight > callsInEntry) close();
      some.push(node);
      weight += node.weight;
    }
    close();
    return parts;
  }

  #node(code: Code, node: Node): void {
    switch (node.kind) {
      case 'call':
        this.#poll(code, node.step);
        return this.#call(code, node.call, node.job);
      case 'choice':
        code.i32(node.address).memory('i32.load8_u');
        return void code.if(
          () => this.write(code, node.yes),
          () => this.write(code, node.no),
        );
      case 'loop':
        code.block((end) =>
          code.loop((again) => {
            this.write(code, node.before);
            code.i32(node.address).memory('i32.load8_u').op('i32.eqz').brIf(end);
            this.write(code, node.after);
            this.#poll(code, node.step);
            code.br(again);
          }),
        );
    }
  }

  #poll(code: Code, step: number): void {
    const imports = this.#imports;
    if (imports) code.get(code.params[0]!).if(() => code.i32(step).call(imports.poll));
  }

  #call(code: Code, { fn, operands, split }: Call, job: number): void {
    if (split) {
      code
        .i32(job)
        .i32(Math.ceil(split.extent / split.size))
        .call(this.#imports!.share);
      return;
    }
    for (const operand of operands) code.i32(operand);
    code.call(fn);
  }
}
