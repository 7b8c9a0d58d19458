/** The function library of a GraphDef, as bodies in the library of a graph. */
import type { Attrs, NodeDef } from '../../graph/attr.js';
import { InvalidArgumentError } from '../../graph/errors.js';
import { FunctionGraph } from '../../graph/function-graph.js';
import { argumentNode, argumentSpec } from '../../graph/graph-def/arguments.js';
import { attrsOf } from '../../graph/graph-def/attr.js';
import type { ArgProto, FunctionProto, GraphDef } from '../../graph/graph-def/messages.js';
import { shapeOf } from '../../graph/graph-def/tensor.js';
import type { Graph } from '../../graph/graph.js';
import { topologicalOrder } from '../../graph/order.js';
import { sameValue } from '../../graph/same.js';
import type { ArgumentDef, FunctionDef } from '../../graph/state.js';
import type { Tensor } from '../../graph/tensor.js';
import { valueDType, type OpDescriptions } from './foreign.js';
import { functionsIn, nodeDefFrom, renamedFunction } from './node-defs.js';
import { ImportedNodes } from './nodes.js';

/**
 * Puts the functions of a library into that of `graph`. One that is there already is shared; where another one has the name, it gets a
 * new one.
 * @returns the new names, by the old ones
 * @throws InvalidArgumentError naming the function that does not fit
 */
export function importFunctions(
  graph: Graph,
  library: NonNullable<GraphDef['library']>,
  descriptions: OpDescriptions,
): ReadonlyMap<string, string> {
  const renames = new Map<string, string>();
  const { root } = graph;
  const before = new Map(root.functions().map(({ def }) => [def.signature.name, def]));
  for (const fn of calledFirst(library.function ?? [])) {
    const name = fn.signature?.name ?? '';
    const importer = new FunctionImporter(graph, descriptions);
    const there = before.get(name);
    if (there && sameFunction(there, importer.define(renamedFunction(fn, renames)))) continue;
    const fresh = root.uniqueFunctionName(name);
    if (fresh !== name) renames.set(name, fresh);
    importer.add(renamedFunction(fn, renames));
  }
  const names = (library.function ?? []).map(({ signature }) => signature?.name ?? '');
  root.orderFunctions(before.size, names.map((name) => renames.get(name) ?? name)); // prettier-ignore
  return renames;
}

function sameFunction({ source: _, ...ours }: FunctionDef, { source: __, ...theirs }: FunctionDef): boolean {
  return sameValue(ours, theirs);
}

/** Functions after those that they call. */
function calledFirst(functions: readonly FunctionProto[]): readonly FunctionProto[] {
  const names = functions.map(({ signature }) => signature?.name ?? '');
  const place = new Map(names.map((name, i) => [name, i]));
  if (place.has('')) throw new InvalidArgumentError('A function of the library has no name.');
  if (place.size < names.length) {
    const twice = names.find((name, i) => place.get(name) !== i);
    throw new InvalidArgumentError(`Two functions of the library are called '${twice}'.`);
  }
  const called = functions.map(({ nodeDef = [] }) =>
    [...functionsIn(nodeDef)].flatMap((name) => place.get(name) ?? []),
  );
  const order = topologicalOrder(
    functions.length,
    (i) => called[i]!,
    (i) => `the function '${names[i]}'`,
  );
  return Array.from(order, (i) => functions[i]!);
}

class FunctionImporter {
  readonly #graph: Graph;
  readonly #descriptions: OpDescriptions;

  constructor(graph: Graph, descriptions: OpDescriptions) {
    this.#graph = graph;
    this.#descriptions = descriptions;
  }

  /** Adds the function to the library. */
  add(proto: FunctionProto): void {
    const def = this.define(proto);
    const { name } = def.signature;
    const root = this.#graph.root;
    const body = new FunctionGraph(name, root);
    const build = () => {
      const inputs = new Map(
        def.signature.inputArg.map(({ name, type }, i) => {
          const attrs = { ...handleData(proto.signature?.inputArg?.[i]), ...def.argAttr[i] };
          return [name, body.addInput(argumentSpec(name, type, attrs))] as const;
        }),
      );
      this.#build(body, def, inputs);
    };
    const { site } = this.#graph.scope;
    try {
      body.attempt(() => body.withScope({ site }, () => body.asDefault(build)));
    } catch (error) {
      if (!(error instanceof InvalidArgumentError)) throw error;
      throw new InvalidArgumentError(`In the function '${name}': ${error.message}`, { op: error.op, nodeName: error.nodeName, cause: error }); // prettier-ignore
    }
    root.addFunction({ def, body });
    body.finalize();
  }

  #build(
    body: FunctionGraph,
    { signature, nodeDef, ret, controlRet }: FunctionDef,
    inputs: ReadonlyMap<string, Tensor>,
  ): void {
    const nodes = new ImportedNodes(nodeDef, {
      graph: body,
      prefix: '',
      descriptions: this.#descriptions,
      tensor: (text) => inputs.get(text) ?? (text.endsWith(':0') ? (inputs.get(text.slice(0, -2)) ?? null) : null),
      control: (name) => inputs.get(name)?.op ?? null,
      wanted: Object.values(ret),
    });
    body.setOutputs(
      signature.outputArg.map(({ name }) => {
        const text = ret[name] ?? '';
        const tensor = inputs.get(text) ?? nodes.tensor(text);
        if (!tensor) throw new InvalidArgumentError(`there is no '${text}' to return as '${name}'.`);
        return tensor;
      }),
    );
    for (const name of Object.values(controlRet))
      if (!nodes.operation(name)) throw new InvalidArgumentError(`there is no node '${name}', which is to be run.`);
  }

  /** The definition of a function, before it has a body. */
  define(proto: FunctionProto): FunctionDef {
    const { signature = {}, nodeDef = [], ret = {}, controlRet = {}, argAttr = {} } = proto;
    const { name = '', inputArg = [], outputArg = [], controlOutput = [], isStateful = false, attr = [] } = signature;
    const generic = [...inputArg, ...outputArg].find((arg) => arg.typeAttr || arg.numberAttr || arg.typeListAttr);
    if (generic || attr.length > 0)
      throw new InvalidArgumentError(
        `The function '${name}' is one for several dtypes, and only functions of known dtypes can be taken.`,
      );
    const attrs = inputArg.map((_, i) => attrsOf(argAttr[i]?.attr ?? {}));
    const nodes = new Map(inputArg.map((arg, i) => [arg.name, argumentNode(arg.name ?? '', attrs[i]!)]));
    const resultNode = (arg: ArgProto): string => {
      const [source = ''] = (ret[arg.name ?? ''] ?? '').split(':');
      return nodes.get(source) ?? source;
    };
    const argument = (arg: ArgProto, op: string): ArgumentDef => {
      const type = valueDType(arg.type ?? 0);
      if (!type) throw new InvalidArgumentError(`The function '${name}' has an argument '${arg.name}' of no dtype.`);
      return Object.freeze({ name: arg.name ?? '', type, op });
    };
    return Object.freeze({
      signature: Object.freeze({
        name,
        inputArg: Object.freeze(inputArg.map((arg, i) => argument(arg, argumentNode(arg.name ?? '', attrs[i]!)))),
        outputArg: Object.freeze(outputArg.map((arg) => argument(arg, resultNode(arg)))),
        controlOutput: Object.freeze([...controlOutput]),
        isStateful,
      }),
      nodeDef: Object.freeze(nodeDef.map((node, i): NodeDef => nodeDefFrom(node, i))),
      ret: Object.freeze({ ...ret }),
      controlRet: Object.freeze({ ...controlRet }),
      argAttr: Object.freeze(attrs),
      source: Object.freeze({ ...proto }),
    });
  }
}

/** What an argument that is a handle says of what is behind it. */
function handleData(arg: ArgProto | undefined): Attrs {
  const [data] = arg?.handleData ?? [];
  const dtype = data && valueDType(data.dtype ?? 0);
  if (!dtype) return {};
  return {
    _handle_dtypes: { kind: 'list', of: 'type', value: [dtype] },
    _handle_shapes: { kind: 'list', of: 'shape', value: [data.shape ? shapeOf(data.shape) : null] },
  };
}
