/** Steps with bodies, built in a graph. */
import type { Operation } from '../../../src/graph/operation.js';
import { colocateWith, controlDependencies, device, nameScope } from '../../../src/graph/scopes.js';
import type { Tensor } from '../../../src/graph/tensor.js';
import { call, one } from '../../../src/ops/call.js';
import { cond, switchCase } from '../../../src/ops/definitions/cond.js';
import { constant } from '../../../src/ops/definitions/constant.js';
import { graphFunction } from '../../../src/ops/definitions/function.js';
import { whileLoop } from '../../../src/ops/definitions/while-loop.js';
import {
  arrayOf,
  isFlow,
  isRef,
  type Body,
  type Data,
  type FlowStep,
  type Ref,
  type Step,
  type Surroundings,
} from './fuzz-program.js';

/** What steps can refer to. */
export interface Scope {
  readonly tensor: (ref: Ref) => Tensor;
  readonly operation: (step: number) => Operation;
}

/** Runs `fn` inside all that surrounds a step. */
export function surrounded<T>(
  { scope, device: spec, controls, colocate }: Surroundings,
  { operation }: Scope,
  fn: () => T,
): T {
  let run = fn;
  const wrap = (outer: (inner: () => T) => T): void => {
    const inner = run;
    run = () => outer(inner);
  };
  if (colocate !== undefined) wrap((inner) => colocateWith(operation(colocate), inner));
  if (controls) {
    const operations = controls.map(operation);
    wrap((inner) => controlDependencies(operations, inner));
  }
  if (spec !== undefined) wrap((inner) => device(spec, inner));
  if (scope !== undefined) wrap((inner) => nameScope(scope, inner));
  return run();
}

/** The outputs of a step that needs nothing from outside of the program. */
export function buildInner(step: Step, i: number, scope: Scope): readonly Tensor[] {
  if (isFlow(step)) return buildFlow(step, i, scope);
  if (step.kind === 'constant') return [constantOf(step.value)];
  if (step.kind !== 'op') throw new Error(`A ${step.kind} cannot be in a body.`);
  const inputs = step.inputs.map((input) => (isRef(input) ? scope.tensor(input) : input.map(scope.tensor)));
  return call(step.op, inputs, step.attrs).outputs;
}

export function constantOf(value: Data): Tensor {
  const array = arrayOf(value);
  return constant(array, { dtype: array.dtype });
}

function buildFlow(step: FlowStep, i: number, scope: Scope): readonly Tensor[] {
  const { tensor } = scope;
  const of = (body: Body, args: readonly Tensor[]): Tensor[] => buildBody(body, i, args, scope);
  switch (step.kind) {
    case 'cond':
      return cond(
        tensor(step.pred),
        () => of(step.bodies[0], []),
        () => of(step.bodies[1], []),
      );
    case 'case':
      return switchCase(
        tensor(step.index) as Tensor<'int32'>,
        step.bodies.map((body) => () => of(body, [])),
      );
    case 'call': {
      const { bodies, args, again } = step;
      const fn = graphFunction((...given: readonly Tensor[]) => of(bodies[0], given)) as (
        ...given: readonly Tensor[]
      ) => Tensor[];
      return [args, ...(again ? [again] : [])].flatMap((refs) => fn(...refs.map(tensor)));
    }
    case 'while': {
      const { trips, limit, vars, invariants, bodies } = step;
      const zero = constant(0, { dtype: 'int32' }) as Tensor;
      return whileLoop(
        (count) => one('Less', [count, tensor(trips)]),
        (count, ...now) => [one('AddV2', [count, 1]), ...of(bodies[0], [count, ...now])],
        [zero, ...vars.map(tensor)] as readonly Tensor[],
        {
          ...(limit !== undefined && {
            maximumIterations: typeof limit === 'number' ? limit : (tensor(limit) as Tensor<'int32'>),
          }),
          ...(invariants && { shapeInvariants: [[], ...invariants] }),
        },
      );
    }
  }
}

/** The results of a body of step number `i`. */
function buildBody({ steps, results }: Body, i: number, args: readonly Tensor[], outer: Scope): Tensor[] {
  const outputs: (readonly Tensor[])[] = [args];
  const scope: Scope = {
    tensor: (ref) => (ref[0] < i ? outer.tensor(ref) : outputs[ref[0] - i]![ref[1]]!),
    operation: (step) => (step < i ? outer.operation(step) : outputs[step - i]![0]!.op),
  };
  steps.forEach((step, k) => outputs.push(surrounded(step, scope, () => buildInner(step, i + 1 + k, scope))));
  return results.map(scope.tensor);
}
