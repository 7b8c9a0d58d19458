/** What a call appended, read from JSON. */
import { appendedOf, type Appended } from './appended.js';
import type { NodeDef } from './attr.js';
import type { BodyDef, OutputSpec } from './body.js';
import { InvalidArgumentError } from './errors.js';
import { appendedFormat } from './print/appended.js';
import { argumentAttrs } from './graph-def/arguments.js';
import { JsonValue, nodeFrom } from './read-json.js';
import type { ArgumentDef, FunctionDef } from './state.js';

const fn = 'appendedFromJSON';

/**
 * What a call appended, from its JSON: a text, or what `JSON.parse` made of one. Whether it fits a graph shows when it is applied.
 * @throws InvalidArgumentError saying where it is no such JSON
 * @example
 * const { appended } = g.transact(() => constant([1, 2], { name: 'x' }));
 * const received = appendedFromJSON(JSON.stringify(appended));
 * received.nodes[0].name; // 'x'
 */
export function appendedFromJSON(json: unknown): Appended {
  const value = new JsonValue(typeof json === 'string' ? parsed(json) : json, `${fn}: json`);
  const format = value.at('format');
  if (format.isMissing || format.text() !== appendedFormat) throw format.not(`"${appendedFormat}"`);
  const start = value.at('start');
  const collections = start.at('collections');
  const functions = value.at('function').list().map(functionFrom);
  const nodes = value.at('node').list().map(nodeFrom);
  return appendedOf({
    nodes,
    forwardOf: forEach(nodes, value.at('forwardOf')).map((item) => (item.isNull ? null : item.text())),
    outputs: forEach(nodes, value.at('outputs')).map(outputsFrom),
    functions: functions.map(({ def }) => def),
    bodies: functions.map(({ body }) => body),
    collections: value.at('collections').list().map(textPair),
    names: value.at('names').texts(),
    uses: value
      .at('uses')
      .list()
      .map((use) => ({ name: use.at('name').text(), op: use.at('op').text(), ...outputFrom(use) })),
    refined: value
      .at('refined')
      .list()
      .map((item) => {
        const [tensor, shape] = item.pair();
        return [tensor.text(), shape.shape()] as const;
      }),
    start: {
      nodes: start.at('nodes').count(),
      functions: start.at('functions').count(),
      collections: Object.fromEntries(collections.keys().map((name) => [name, collections.at(name).count()])),
    },
  });
}

function parsed(text: string): unknown {
  try {
    return JSON.parse(text);
  } catch (error) {
    throw new InvalidArgumentError(`${fn}: the text is not JSON: ${(error as Error).message}.`, { cause: error });
  }
}

function forEach(nodes: readonly NodeDef[], value: JsonValue): readonly JsonValue[] {
  const list = value.list();
  if (list.length !== nodes.length) throw value.not(`a list of ${nodes.length}, one for each node`);
  return list;
}

function functionFrom(value: JsonValue): { readonly def: FunctionDef; readonly body: BodyDef } {
  const nodes = value.at('node').list().map(nodeFrom);
  const inputs = value.at('inputs').texts();
  const signature = value.at('signature');
  const name = signature.at('name').text();
  const inner = nodes.filter((node) => !inputs.includes(node.name));
  const inputArg = argumentsFrom(signature.at('inputArg'));
  const nodeNamed = new Map(nodes.map((node) => [node.name, node]));
  const stray = inputArg.find(({ op }) => !nodeNamed.has(op));
  if (stray) throw signature.at('inputArg').not(`a list of nodes of the body ('${stray.op}')`);
  const spelled = forEach(inner, value.at('spelled')).map((item) => Object.freeze(item.texts()));
  const def: FunctionDef = Object.freeze({
    signature: Object.freeze({
      name,
      inputArg,
      outputArg: argumentsFrom(signature.at('outputArg')),
      controlOutput: Object.freeze(signature.at('controlOutput').texts()),
      isStateful: signature.at('isStateful').boolean(),
    }),
    nodeDef: Object.freeze(inner.map((node, i) => Object.freeze({ ...node, input: spelled[i]! }))),
    ret: textRecord(value.at('ret')),
    controlRet: textRecord(value.at('controlRet')),
    argAttr: Object.freeze(inputArg.map(({ name, op }) => argumentAttrs(nodeNamed.get(op)!, name))),
  });
  const outer = value.at('outer');
  const body: BodyDef = {
    name,
    outer: outer.isNull ? null : outer.text(),
    nodes,
    outputs: forEach(nodes, value.at('outputs')).map(outputsFrom),
    forwardOf: forEach(nodes, value.at('forwardOf')).map((item) => {
      if (item.isNull) return null;
      const [forward, op] = item.pair();
      return [forward.isNull ? null : forward.text(), op.text()];
    }),
    inputs,
    captures: value.at('captures').list().map(textPair),
    results: value.at('results').texts(),
  };
  return { def, body };
}

function argumentsFrom(value: JsonValue): readonly ArgumentDef[] {
  const args = value.list().map((arg) => ({
    name: arg.at('name').text(),
    type: arg.at('type').dtype(),
    op: arg.at('op').text(),
  }));
  return Object.freeze(args.map((arg) => Object.freeze(arg)));
}

function outputsFrom(value: JsonValue): readonly OutputSpec[] {
  return value.list().map(outputFrom);
}

function outputFrom(value: JsonValue): OutputSpec {
  return { dtype: value.at('dtype').dtype(), shape: value.at('shape').shape() };
}

function textPair(value: JsonValue): readonly [string, string] {
  const [first, second] = value.pair();
  return [first.text(), second.text()];
}

function textRecord(value: JsonValue): { readonly [key: string]: string } {
  return Object.freeze(Object.fromEntries(value.keys().map((key) => [key, value.at(key).text()])));
}
