/** SavedModels of TensorFlow: a graph, what it computes, and variables with their values. */
import { access } from 'node:fs/promises';
import { InvalidArgumentError, NotFoundError } from '../../graph/errors.js';
import { Graph } from '../../graph/graph.js';
import { checkName } from '../../graph/names.js';
import { checkOptionNames } from '../../graph/options.js';
import { CallSite } from '../../graph/site.js';
import type { Operation } from '../../graph/operation.js';
import type { Variable } from '../../ops/definitions/variable.js';
import type { Session } from '../../session/session.js';
import { readCheckpoint, type Checkpoint } from '../checkpoint/checkpoint.js';
import { importGraphDef } from '../import/import-graph-def.js';
import type { GraphDef } from '../../graph/graph-def/messages.js';
import type { MetaGraphDef } from '../proto/saved_model_pb.js';
import { adoptCustomGradients } from './custom-gradients.js';
import { checkpointPrefix, graphWithTags, readSavedModel } from './files.js';
import { restoreVariables } from './restore.js';
import { initializerIn, signaturesIn, type Signature } from './signatures.js';
import { trainableKeys, variablesOf, type SavedVariable } from './variables.js';

export interface LoadOptions {
  /** The tags of the graph to load: `['serve']` by default. A SavedModel may have several graphs. */
  readonly tags?: readonly string[];
  /** Where the nodes go: a new graph by default. */
  readonly graph?: Graph;
  /** What their names begin with, as in `importGraphDef`: nothing by default. */
  readonly name?: string;
}

interface Parts {
  readonly path: string;
  readonly tags: readonly string[];
  readonly graph: Graph;
  readonly signatures: { readonly [name: string]: Signature };
  readonly initializer: Operation | null;
  readonly checkpoint: Checkpoint | null;
  readonly variables: readonly SavedVariable[];
}

/** A SavedModel in a graph. Made by {@link loadSavedModel}. */
export class SavedModel {
  readonly path: string;
  readonly tags: readonly string[];
  readonly graph: Graph;
  /** What it computes, by name: tensors to feed and to fetch. */
  readonly signatures: { readonly [name: string]: Signature };
  /** Its variables, those that are saved among them, in the order of their nodes. */
  readonly variables: readonly Variable[];
  /** What has to run once, after the variables have values: it fills tables. null where there is nothing. */
  readonly initializer: Operation | null;
  /** The values of its variables; null where it has none. */
  readonly checkpoint: Checkpoint | null;
  readonly #saved: readonly SavedVariable[];

  /** @internal */
  constructor({ path, tags, graph, signatures, initializer, checkpoint, variables }: Parts) {
    this.path = path;
    this.tags = tags;
    this.graph = graph;
    this.signatures = signatures;
    this.initializer = initializer;
    this.checkpoint = checkpoint;
    this.#saved = variables;
    this.variables = variables.map(({ variable }) => variable);
  }

  /** The variables that optimizers are to change. */
  get trainableVariables(): readonly Variable[] {
    return this.variables.filter(({ trainable }) => trainable);
  }

  /**
   * Gives the variables their saved values in `session`, then runs `initializer`. Values are read as they are assigned: no more than some 64 MB of
   * them, or one, are in memory besides the session's.
   * @throws NotFoundError where there is no checkpoint, or a variable is not in it; InvalidArgumentError where the session is one of another graph, or a
   *   file is damaged; DTypeError or ShapeError where a value does not fit its variable
   */
  async restore(session: Session): Promise<void> {
    if (session.graph !== this.graph)
      throw new InvalidArgumentError(`restore: the session runs another graph than the one that ${this.path} is in.`);
    if (this.#saved.some(({ stored }) => stored)) {
      if (!this.checkpoint)
        throw new NotFoundError(
          `${this.path} has no values of its variables: there is no ${checkpointPrefix(this.path)}.index.`,
        );
      await restoreVariables(session, this.#saved, this.checkpoint);
    }
    if (this.initializer) await session.run(this.initializer);
  }
}

/**
 * Reads a SavedModel directory (TensorFlow `tf.saved_model.load`) into a graph, as it is: functions that its signatures call stay calls, and can be differentiated. Its variables have no
 * values until `restore` gives a session the saved ones.
 *
 * Variables of TensorFlow 2 have no initial value: `globalVariablesInitializer` leaves them alone, their own `initializer` assigns what is fed for
 * their `initialValue`.
 * @throws NotFoundError where there is no SavedModel, or none of its graphs has these tags; InvalidArgumentError where a file is damaged; what
 *   `importGraphDef` throws
 * @example
 * const model = await loadSavedModel('spec/fixtures/saved-models/module');
 * const { inputs, outputs } = model.signatures.loss;
 * const dy = gradients(outputs.output_0, model.trainableVariables);
 * const session = new Session({ graph: model.graph });
 * await model.restore(session);
 * const [loss] = await session.run([outputs.output_0, dy], new Map([[inputs.x, [[1, 0, 0]]], [inputs.t, [[0, 0]]]]));
 * loss; // 0.2017
 */
export async function loadSavedModel(path: string, options: LoadOptions = {}): Promise<SavedModel> {
  checkOptionNames('loadSavedModel', options, ['tags', 'graph', 'name']);
  const { tags = ['serve'], graph = new Graph(), name = '' } = options;
  if (!Array.isArray(tags)) throw new InvalidArgumentError("loadSavedModel: 'tags' must be a list of tags.");
  if (!(graph instanceof Graph)) throw new InvalidArgumentError("loadSavedModel: 'graph' must be a Graph.");
  if (name !== '') checkName(name, false);
  // What it makes is made later, and was asked for here.
  const site = graph.scope.site ?? CallSite.capture(24);
  const meta = graphWithTags(path, await readSavedModel(path), tags);
  const prefix = checkpointPrefix(path);
  const hasCheckpoint = await access(`${prefix}.index`).then(
    () => true,
    () => false,
  );
  const checkpoint = hasCheckpoint ? await readCheckpoint(prefix) : null;
  const trainable = await trainableKeys(meta, checkpoint);
  const build = (): SavedModel => {
    const scope = imported(meta, graph, name);
    const variables = variablesOf(meta, graph, scope, trainable);
    const signatures = signaturesIn(meta, graph, scope);
    const initializer = initializerIn(meta, graph, scope);
    return new SavedModel({ path, tags, graph, signatures, initializer, checkpoint, variables });
  };
  return graph.attempt(() => graph.atSite(build, site));
}

/** Adds the nodes to the graph; returns what their names begin with. */
function imported(meta: MetaGraphDef, graph: Graph, name: string): string {
  const scope = name === '' ? '' : `${graph.uniqueName(name)}/`;
  const { graphDef, metaInfoDef } = meta;
  const ops = metaInfoDef?.strippedOpList?.op ?? [];
  const def = withOwnVariables(graphDef ?? {}, scope);
  const before = graph.functions().length;
  graph.asDefault(() => importGraphDef(def, { name: scope, ops }));
  adoptCustomGradients(meta, graph, before);
  return scope;
}

/** What keeps state does so by a name, under which another model in the graph may have its own. */
function withOwnVariables(def: GraphDef, scope: string): GraphDef {
  if (scope === '') return def;
  const bytes = new TextEncoder().encode(scope);
  const node = (def.node ?? []).map((proto) => {
    const shared = proto.attr?.['shared_name']?.value;
    if (shared?.case !== 's' || shared.value.length === 0) return proto;
    const value = Uint8Array.from([...bytes, ...shared.value]);
    return { ...proto, attr: { ...proto.attr, shared_name: { value: { case: 's' as const, value } } } };
  });
  return { ...def, node };
}
