/** What a tape knows: the tensors it watches, and the operations made from them while it recorded. */
import { FunctionGraph } from '../graph/function-graph.js';
import type { Operation } from '../graph/operation.js';
import type { Recorder } from '../graph/recorders.js';
import type { Tensor } from '../graph/tensor.js';
import { variableBehind, type Variable } from '../ops/definitions/variable.js';
import { isDifferentiable } from '../ops/handles.js';
import { opDef } from '../ops/opdef.js';
import { sourcesOf } from './paths.js';

/** It holds operations and no functions: what differentiates them is the walk of `gradients`, told to keep to them. */
export class Recording implements Recorder {
  readonly #watchAccessedVariables: boolean;
  readonly #watched = new Set<Tensor>();
  readonly #variables = new Set<Variable>();
  readonly #operations = new Set<Operation>();

  constructor(watchAccessedVariables: boolean) {
    this.#watchAccessedVariables = watchAccessedVariables;
  }

  /** Watched variables, oldest first. */
  get variables(): readonly Variable[] {
    return [...this.#variables].sort((a, b) => a.handle.op.id - b.handle.op.id);
  }

  watch(tensor: Tensor): void {
    this.#watched.add(tensor);
  }

  watchVariable({ handle }: Variable): void {
    this.watch(handle);
    const variable = variableBehind(handle);
    if (variable) this.#variables.add(variable);
  }

  /** Takes an operation in where something watched goes into it, as things are now. */
  created(op: Operation): void {
    if (this.#watchAccessedVariables) this.#watchRead(op);
    // What stops gradients starts anew: its output is no more known than a constant.
    if (opDef(op.type).grad === 'stop') return;
    if (op.inputs.some((input) => isDifferentiable(input) && this.knows(input))) this.#operations.add(op);
  }

  /** Whether `tensor` is watched, or computed from what is by recorded operations. */
  knows(tensor: Tensor): boolean {
    for (let known: Tensor | null = tensor; known; known = outsideOf(known)) {
      if (this.#watched.has(known) || this.#operations.has(known.op)) return true;
    }
    return false;
  }

  /** Whether gradient goes on through `op`: it is recorded, or stands for a tensor outside the function body it is in. */
  leadsOn(op: Operation): boolean {
    return this.#operations.has(op) || sourcesOf(op) !== op.inputs;
  }

  #watchRead(op: Operation): void {
    const { effect, grad, functional } = opDef(op.type);
    // Its shape, or whether it has a value, can be read without gradient; a function reads what it captured.
    if (!functional && (effect !== 'read' || typeof grad !== 'function')) return;
    for (const handle of functional ? op.inputs : op.inputs.slice(0, 1)) {
      const variable = handle.dtype === 'resource' ? variableBehind(handle) : null;
      if (variable?.trainable) this.watchVariable(variable);
    }
  }
}

/** The tensor that an argument of a function body stands for. */
function outsideOf({ op, graph }: Tensor): Tensor | null {
  return op.inputs.length === 0 && graph instanceof FunctionGraph ? (sourcesOf(op)[0] ?? null) : null;
}
