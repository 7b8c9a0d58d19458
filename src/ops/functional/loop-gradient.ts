/** The gradient of a loop: a loop as long, whose iterations are the gradients of its own from the last to the first. */
import type { FunctionGraph } from '../../graph/function-graph.js';
import { isFullyDefined } from '../../graph/shape.js';
import type { Tensor } from '../../graph/tensor.js';
import { convertToTensor, one } from '../call.js';
import { captured } from '../capture.js';
import { zeros } from '../definitions/array-fill.js';
import { popBack, shapeOperand } from '../definitions/tensor-list.js';
import { handleType, isDifferentiable } from '../handles.js';
import type { Calculus, Gradient, OpView } from '../opdef.js';
import { constantBeside } from '../rules.js';
import { argumentFor, bodyOf, trace } from '../trace.js';
import { made, zerosBeside } from './branch-gradient.js';
import { originalOutputs } from './results-of-call.js';
import { completeLoop, countersOfLoop } from './completed.js';
import { callLoop } from './loops.js';

/** A list of what the forward loop left in every iteration, as a variable of the backward one. */
interface Popped {
  readonly list: Tensor;
  readonly argument: Tensor;
  readonly rest: Tensor;
}

export function loopGradient(
  op: OpView,
  dys: readonly (Gradient | null)[],
  calculus: Calculus,
): readonly (Gradient | null)[] {
  const complete = completeLoop(op);
  if (complete === op) return gradientOfComplete(op, dys, calculus);
  const before = new Array<null>(countersOfLoop).fill(null);
  const padded = complete.outputs.map((_, i) => [...before, ...dys][i] ?? null);
  return gradientOfComplete(complete, padded, calculus).slice(countersOfLoop, countersOfLoop + op.inputs.length);
}

/** Source: TensorFlow `while_v2._WhileGrad`. */
function gradientOfComplete(
  op: OpView,
  dys: readonly (Gradient | null)[],
  calculus: Calculus,
): readonly (Gradient | null)[] {
  const body = bodyOf(op, 'body');
  const originals = originalOutputs(op);
  const variables = body.inputs.flatMap((input, i) =>
    isDifferentiable(input) && (i < originals || dys[i]) ? [i] : [],
  );
  const none = op.inputs.map(() => null);
  if (!variables.some((i) => dys[i])) return none;
  const start = variables.map((i) => convertToTensor(dys[i] ?? zerosBeside(op.outputs[i]!)));
  const counter = constantBeside(op.outputs[0], 0, 'int32', 'grad_counter');
  const inputs = [counter, op.inputs[1], op.outputs[0], ...start];
  const names = ['grad_counter', 'maximum_iterations', 'loop_counter', ...variables.map((i) => `grad_${i}`)];
  const shapes = [...inputs.slice(0, 3).map(({ shape }) => shape), ...variables.map((i) => variableShapeOf(body, i))];
  const specs = inputs.map((input, i) => argumentFor(input, names[i], shapes[i]));
  const { graph, popped } = traceStep(op, body, specs, variables, calculus);
  const outer = op.graph.receiver;
  const all = [...specs, ...popped.map(({ list }) => argumentFor(list, 'accumulator'))];
  const { body: cond } = trace(`gradient_${bodyOf(op, 'cond').name}`, outer, all, (args, self) => {
    self.setOutputs([one('Less', [args[0]!, args[2]!])]);
  });
  const outputs = callLoop({
    cond,
    body: graph,
    inputs: [...inputs, ...popped.map(({ list }) => list)],
    shapes: all.map(({ shape }) => shape),
    parallelIterations: op.intAttr('parallel_iterations'),
    backProp: true,
  });
  variables.forEach((i, j) => (none[i] = outputs[3 + j]! as never));
  return none;
}

/** The shape that the gradient of a loop variable has in every iteration. */
function variableShapeOf(body: FunctionGraph, i: number): Tensor['shape'] {
  const input = body.inputs[i]!;
  return input.dtype === 'resource' ? (handleType(input)?.shape ?? null) : input.shape;
}

/** The body of the backward loop: from the gradients of what an iteration gives to those of what it takes. */
function traceStep(
  op: OpView,
  body: FunctionGraph,
  specs: Parameters<typeof trace>[2],
  variables: readonly number[],
  calculus: Calculus,
): { readonly graph: FunctionGraph; readonly popped: readonly Popped[] } {
  const history = new History(op, body);
  const { body: graph } = trace(
    `gradient_${body.name}`,
    op.graph.receiver,
    specs,
    (args, self) => {
      history.begin(self, args);
      const [counter, limit, total, ...dys] = args as readonly [Tensor, Tensor, Tensor, ...Tensor[]];
      const dxs = calculus.differentiate(
        variables.map((i) => body.outputs[i]!),
        dys,
        variables.map((i) => body.inputs[i]!),
      );
      const next = dxs.map((dx, j) => (dx ? convertToTensor(dx) : history.zerosFor(variables[j]!, dys[j]!)));
      const outputs = [one('AddV2', [counter, 1], {}, { name: 'add' }), limit, total, ...next];
      self.setOutputs([...outputs.map((output) => captured(self, output)), ...history.popped.map(({ rest }) => rest)]);
    },
    { forward: { graph: body, resolve: (tensor) => history.resolve(tensor) } },
  );
  return { graph, popped: history.popped };
}

/** How the backward body has the values of the forward one: from the same outside, by counting, or from the lists it left. */
class History {
  readonly popped: Popped[] = [];
  readonly #op: OpView;
  readonly #body: FunctionGraph;
  readonly #lists: ReadonlyMap<Tensor, number>;
  #graph!: FunctionGraph;
  #counter!: Tensor;
  #total!: Tensor;

  constructor(op: OpView, body: FunctionGraph) {
    this.#op = op;
    this.#body = body;
    const originals = originalOutputs(op);
    const lists = body.outputs.slice(originals).map(({ op: push }, i) => [push.inputs[1]!, originals + i] as const);
    this.#lists = new Map(lists);
  }

  begin(graph: FunctionGraph, args: readonly Tensor[]): void {
    this.#graph = graph;
    [this.#counter, , this.#total] = args as readonly [Tensor, Tensor, Tensor];
  }

  resolve(tensor: Tensor): Tensor {
    return this.#known(tensor) ?? made(tensor, (t) => (t === tensor ? null : this.#captured(t)), this.#graph);
  }

  /** Zeros for a variable that its new value does not depend on. */
  zerosFor(variable: number, dy: Tensor): Tensor {
    const input = this.#body.inputs[variable]!;
    const { dtype, shape } = dy;
    if (dtype !== 'variant' && isFullyDefined(shape)) return zeros(shape, { dtype });
    return zerosBeside(this.#lists.get(input) === undefined ? dy : this.#graph.capture(input));
  }

  /** As the body has it, through its own memory. */
  #captured(tensor: Tensor): Tensor | null {
    return this.#isKnown(tensor) ? this.#graph.capture(tensor) : null;
  }

  #isKnown(tensor: Tensor): boolean {
    return tensor === this.#body.inputs[0] || this.#invariant(tensor) >= 0 || this.#lists.get(tensor) !== undefined;
  }

  #known(tensor: Tensor): Tensor | null {
    const graph = this.#graph;
    const invariant = this.#invariant(tensor);
    if (invariant >= 0) return captured(graph, this.#op.inputs[invariant]!);
    return graph.withScope({ name: '', controllers: [], device: '', colocation: [] }, () =>
      graph.asDefault(() => {
        if (tensor === this.#body.inputs[0]) {
          return one('Sub', [one('Sub', [this.#total, 1], {}, { name: 'sub' }), this.#counter], {}, { name: 'sub' });
        }
        const list = this.#lists.get(tensor);
        return list === undefined ? null : this.#pop(this.#op.outputs[list]!, tensor);
      }),
    );
  }

  /** The position of an argument that is the same in every iteration; -1 for anything else. */
  #invariant(tensor: Tensor): number {
    const position = this.#body.positionOf(tensor);
    return position >= 0 && this.#body.outputs[position] === tensor ? position : -1;
  }

  #pop(list: Tensor, tensor: Tensor): Tensor {
    const argument = this.#graph.addInput(argumentFor(list, 'accumulator'));
    const shape = shapeOperand(tensor.shape);
    const [rest, value] = popBack(argument, tensor, shape);
    this.popped.push({ list, argument, rest });
    return value;
  }
}
