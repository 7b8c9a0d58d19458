/** Lowered plans as text, a line a step. */
import type { Expr } from '../../../../ops/expr.js';
import { shapesEqual } from '../../../../graph/shape.js';
import { flowLine } from '../flow-show.js';
import type { Lowered, LoweredStep } from '../lower.js';
import { holderOf, type Node, type Value } from '../program.js';

/** What each step computes. Elements at the step's own index are those of a name alone; i, j … count along its axes. */
export function showLowered({ steps, values, indices, fetches }: Lowered): string {
  const lines = steps.map((step) => new StepText(values).of(step, indices.of(ownShape(step))));
  return [...lines, `fetch ${fetches.map(named).join(', ')}`].join('\n');
}

function ownShape(step: LoweredStep): readonly number[] {
  return step.kind === 'define' ? step.value.shape! : [];
}

function typed(value: Value): string {
  return `${value.name} ${value.dtype}${value.shape === null ? '' : `[${value.shape.join(', ')}]`}`;
}

function named(value: Value): string {
  const holder = holderOf(value);
  const text = holder.data ? `{${holder.name}}` : holder.name;
  return shapesEqual(holder.shape, value.shape) ? text : `${text} as [${value.shape!.join(', ')}]`;
}

class StepText {
  readonly #values: readonly Value[];
  readonly #counters = new Map<Expr, string>();

  constructor(values: readonly Value[]) {
    this.#values = values;
  }

  of(step: LoweredStep, own: readonly Expr[]): string {
    switch (step.kind) {
      case 'define':
        for (const variable of own) if (variable.kind === 'variable') this.#counter(variable);
        return `${typed(step.value)} = ${this.#element(step.value.root!, own)}`;
      case 'barrier':
        return `${step.value.name} = ${named(step.value.alias!)}, from here on`;
      case 'matmul': {
        const [a, b] = [step.a, step.b].map(named);
        return `${typed(step.out)} = matmul(${a}${step.transposeA ? 'ᵀ' : ''}, ${b}${step.transposeB ? 'ᵀ' : ''})`;
      }
      case 'convolution':
        return `${typed(step.out)} = convolution ${step.convolution.side}(${named(step.a)}, ${named(step.b)})`;
      case 'scatter':
        return `${typed(step.out)} = scatter(${[step.base, step.indices, step.updates].map((value) => (value ? named(value) : '0')).join(', ')})`;
      case 'host':
        return `${step.outputs.map(typed).join(', ')} = host ${step.op.type}(${step.inputs.map(named).join(', ')})`;
      case 'flow':
        return flowLine(step, named, typed);
      case 'assign':
        return `${step.variable.key} := ${named(step.value)}`;
    }
  }

  #counter(variable: Expr): string {
    const known = this.#counters.get(variable);
    const name = known ?? 'ijklmnopqrstuvwxyz'[this.#counters.size] ?? `i${this.#counters.size}`;
    if (known === undefined) this.#counters.set(variable, name);
    return name;
  }

  #element(expr: Expr, own: readonly Expr[]): string {
    const text = (part: Expr): string => this.#element(part, own);
    switch (expr.kind) {
      case 'literal':
        return String(expr.value);
      case 'variable':
        return this.#counter(expr);
      case 'load':
        return this.#load(expr, own);
      case 'unary':
        return `${expr.op}(${text(expr.x)})`;
      case 'binary':
        return `${expr.op}(${text(expr.a)}, ${text(expr.b)})`;
      case 'select':
        return `select(${[expr.test, expr.yes, expr.no].map(text).join(', ')})`;
      case 'cast':
        return `${expr.dtype}(${text(expr.x)})`;
      case 'reduce':
        return `${expr.op} over ${expr.over.map((variable) => this.#counter(variable)).join(', ')} of ${text(expr.body)}`;
      case 'bound':
        return `${text(expr.index)} below ${expr.size}`;
    }
  }

  #load({ source, shape, index }: Node<'load'>, own: readonly Expr[]): string {
    const name = source.kind === 'data' ? '{}' : named({ ...this.#values[source.position]!, shape });
    const isOwn = index.length === own.length && index.every((i, axis) => i === own[axis] || isZero(i, own[axis]!));
    return isOwn || index.length === 0 ? name : `${name}[${index.map((i) => this.#element(i, own)).join(', ')}]`;
  }
}

function isZero(a: Expr, b: Expr): boolean {
  return a.kind === 'literal' && b.kind === 'literal' && a.value === b.value;
}
