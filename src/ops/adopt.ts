/** Nodes that were made elsewhere: checked as if they were built here, and taken in as they are. */
import type { AttrValue, NodeDef } from '../graph/attr.js';
import type { DType } from '../graph/dtype.js';
import { DTypeError, InvalidArgumentError, NotFoundError, type ErrorDetails } from '../graph/errors.js';
import type { Graph } from '../graph/graph.js';
import { describeTensor } from '../graph/node.js';
import type { Operation } from '../graph/operation.js';
import type { Shape } from '../graph/shape.js';
import type { Tensor } from '../graph/tensor.js';
import { refused } from './attr-input.js';
import { noteEffect } from './capture.js';
import { learn } from './known.js';
import { knownOp, type RegisteredOp } from './opdef.js';
import { dtypesOf, type AttrDef } from './signature.js';

/** What a node takes, in the graph that it comes to. */
export interface Taken {
  readonly inputs: readonly Tensor[];
  readonly controlInputs: readonly Operation[];
}

/**
 * Adds a node of a known op to `graph`. Attributes that are left out get their defaults; nothing of the scope goes into it.
 * @throws InvalidArgumentError, DTypeError or ShapeError where such a node could not be built; NotFoundError for an unknown op, or
 *   where an attribute is missing
 */
export function adopt(graph: Graph, def: NodeDef, { inputs, controlInputs }: Taken): Operation {
  const record = knownOp(def.op);
  const attr = completeAttrs(record, def);
  const node = attr === def.attr ? def : Object.freeze({ ...def, attr });
  checkInputs(record, node, inputs);
  const op = graph.adopt(node, {
    inputs,
    controlInputs,
    outputDTypes: dtypesOf(record.parsed.outputs, attr)!,
    infer: record.infer as (op: Operation) => readonly Shape[],
  });
  noteEffect(op, record.effect);
  learn(op, record);
  return op;
}

const detailsOf = ({ name, op }: NodeDef): ErrorDetails => ({ op, nodeName: name });

function invalid(def: NodeDef, what: string): InvalidArgumentError {
  return new InvalidArgumentError(`${def.op} '${def.name}': ${what}.`, detailsOf(def));
}

/** The attributes of a node with the defaults of those that are left out. */
function completeAttrs({ parsed }: RegisteredOp, def: NodeDef): NodeDef['attr'] {
  let changed: Record<string, AttrValue> | null = null;
  for (const attr of parsed.attrs) {
    const given = def.attr[attr.name];
    const value = given === undefined ? attr.default : ofKind(attr, given);
    if (value === null) {
      if (given === undefined)
        throw new NotFoundError(`${def.op} '${def.name}': there is no attr '${attr.name}'.`, detailsOf(def));
      throw invalid(def, `attr '${attr.name}' is no ${attr.list ? `list of ${attr.kind}` : attr.kind}`);
    }
    checkValue(attr, value, def);
    if (value !== given) (changed ??= { ...def.attr })[attr.name] = value;
  }
  const unknown = Object.keys(def.attr).find((name) => !name.startsWith('_') && !parsed.attrOf.has(name));
  if (unknown !== undefined)
    throw invalid(def, `${def.op} has no attr '${unknown}' here; a newer TensorFlow may have written this graph`);
  return changed === null ? def.attr : Object.freeze(changed);
}

/** `value` as one of the attribute: a list that is empty is one of anything; null where it is of another kind. */
function ofKind({ kind, list }: AttrDef, value: AttrValue): AttrValue | null {
  if (!list) return value.kind === kind ? value : null;
  if (value.kind !== 'list') return null;
  if (value.of === kind) return value;
  return value.value.length === 0 ? (Object.freeze({ ...value, of: kind }) as AttrValue) : null;
}

function checkValue(attr: AttrDef, value: AttrValue, def: NodeDef): void {
  const bad = attr.allowed && refused(attr.allowed, value);
  if (bad) {
    const message = `${def.op} '${def.name}': ${bad} is not accepted for '${attr.name}': it must be one of ${attr.allowed.join(', ')}.`;
    throw new (attr.kind === 'type' ? DTypeError : InvalidArgumentError)(message, detailsOf(def));
  }
  if (attr.minimum === null) return;
  const size = value.kind === 'list' ? value.value.length : Number(value.value);
  if (size < attr.minimum) throw invalid(def, `'${attr.name}' must be at least ${attr.minimum}, not ${size}`);
}

function checkInputs({ parsed }: RegisteredOp, def: NodeDef, inputs: readonly Tensor[]): void {
  const expected: readonly DType[] = dtypesOf(parsed.inputs, def.attr)!;
  if (inputs.length !== expected.length)
    throw invalid(def, `it takes ${expected.length} inputs by its attributes, and has ${inputs.length}`);
  const wrong = inputs.findIndex(({ dtype }, i) => dtype !== expected[i]);
  if (wrong >= 0)
    throw new DTypeError(
      `${def.op} '${def.name}': input ${wrong} is ${describeTensor(inputs[wrong]!)}, but ${expected[wrong]} is needed by its attributes.`,
      detailsOf(def),
    );
}
