/** A function body as the library keeps it: TensorFlow's FunctionDef, in which inputs are spelled by the names of arguments. */
import type { NodeDef } from '../graph/attr.js';
import type { FunctionGraph } from '../graph/function-graph.js';
import { argumentAttrs } from '../graph/graph-def/arguments.js';
import type { Operation } from '../graph/operation.js';
import type { ArgumentDef, FunctionDef } from '../graph/state.js';
import type { Tensor } from '../graph/tensor.js';
import { effectsOf } from './capture.js';
import { nameOutputs } from './foreign-outputs.js';
import { opDef } from './opdef.js';
import { countTensors } from './signature.js';

/** The definition of a finished body. */
export function definitionOf(body: FunctionGraph): FunctionDef {
  const names = new ArgumentNames(body.operations().map((op) => op.name));
  const inputs = new Map(body.inputs.map((input) => [input, names.take(input.op.name)]));
  const results = new ArgumentNames([]);
  const outputs = body.outputs.map((output) => ({ name: results.take(output.op.name), output }));
  const args = new Set(body.inputs.map(({ op }) => op));
  const spelled = (tensor: Tensor): string => inputs.get(tensor) ?? outputName(tensor);
  const effects = effectsOf(body);
  const argument = (name: string, { dtype, op }: Tensor): ArgumentDef =>
    Object.freeze({ name, type: dtype, op: op.name });
  return Object.freeze({
    signature: Object.freeze({
      name: body.name,
      inputArg: Object.freeze(body.inputs.map((input) => argument(inputs.get(input)!, input))),
      outputArg: Object.freeze(outputs.map(({ name, output }) => argument(name, output))),
      controlOutput: Object.freeze(effects.map((op) => op.name)),
      isStateful: effects.length > 0,
    }),
    nodeDef: Object.freeze(
      body
        .operations()
        .filter((op) => !args.has(op))
        .map((op) => respelled(op, spelled, inputs)),
    ),
    ret: Object.freeze(Object.fromEntries(outputs.map(({ name, output }) => [name, spelled(output)]))),
    controlRet: Object.freeze(Object.fromEntries(effects.map((op) => [op.name, op.name]))),
    argAttr: Object.freeze(body.inputs.map((input) => argumentAttrs(input.op.def, inputs.get(input)!))),
  });
}

function respelled(op: Operation, spelled: (tensor: Tensor) => string, inputs: ReadonlyMap<Tensor, string>): NodeDef {
  const controls = op.controlInputs.map((control) => `^${inputs.get(control.outputs[0]!) ?? control.name}`);
  return Object.freeze({ ...op.def, input: Object.freeze([...op.inputs.map(spelled), ...controls]) });
}

/** `node:argument:index`: the output argument by its name in the op's signature, and the position in it. */
function outputName({ op, index }: Tensor): string {
  let first = 0;
  const own = nameOutputs.of(op)[index];
  if (own !== undefined) return `${op.name}:${own}`;
  for (const arg of opDef(op.type).parsed.outputs) {
    const count = countTensors(arg, op.def.attr);
    if (index < first + count) return `${op.name}:${arg.name}:${index - first}`;
    first += count;
  }
  return `${op.name}:${index}`;
}

/** Names as TensorFlow wants them of arguments: lower case, and different from each other and from those of nodes. */
class ArgumentNames {
  readonly #taken: Set<string>;
  /** The suffix to try next, of names that came before: lists have thousands of equal ones. */
  readonly #nextSuffix = new Map<string, number>();

  constructor(taken: readonly string[]) {
    this.#taken = new Set(taken);
  }

  take(name: string): string {
    const lower = name.toLowerCase().replace(/[^a-z0-9]/g, '_');
    const base = /^[a-z]/.test(lower) ? lower : `arg_${lower}`;
    let result = base;
    let suffix = this.#nextSuffix.get(base) ?? 1;
    while (this.#taken.has(result)) result = `${base}_${suffix++}`;
    this.#nextSuffix.set(base, suffix);
    this.#taken.add(result);
    return result;
  }
}
