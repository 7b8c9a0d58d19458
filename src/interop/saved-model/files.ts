/** The files of a SavedModel directory. */
import { fromBinary } from '@bufbuild/protobuf';
import { readFile, stat } from 'node:fs/promises';
import { join } from 'node:path';
import { InvalidArgumentError, NotFoundError } from '../../graph/errors.js';
import { parseText } from '../text/parse.js';
import { SavedModelSchema, type MetaGraphDef, type SavedModel } from '../proto/saved_model_pb.js';

const binary = 'saved_model.pb';
const text = 'saved_model.pbtxt';

/** What the names of the files of a SavedModel's checkpoint begin with. */
export function checkpointPrefix(path: string): string {
  return join(path, 'variables', 'variables');
}

/** @throws NotFoundError where there is no such directory, or it is no SavedModel; InvalidArgumentError where its file is damaged */
export async function readSavedModel(path: string): Promise<SavedModel> {
  const found = await stat(path).catch(() => null);
  if (!found) throw new NotFoundError(`There is no ${path}. A SavedModel is a directory with a ${binary} or ${text}.`);
  if (!found.isDirectory())
    throw new NotFoundError(`${path} is a file. A SavedModel is a directory: give the one that ${binary} is in.`);
  const bytes = await readFile(join(path, binary)).catch(() => null);
  if (bytes) return decoded(join(path, binary), () => fromBinary(SavedModelSchema, bytes));
  const words = await readFile(join(path, text)).catch(() => null);
  if (words) return decoded(join(path, text), () => parseText(SavedModelSchema, words, 'SavedModel'));
  throw new NotFoundError(`${path} is no SavedModel: it has neither ${binary} nor ${text}.`);
}

function decoded(path: string, decode: () => SavedModel): SavedModel {
  try {
    const model = decode();
    if (model.metaGraphs.length > 0) return model;
  } catch (error) {
    throw new InvalidArgumentError(`${path} is damaged, or no SavedModel: ${(error as Error).message}`, {
      cause: error,
    });
  }
  throw new InvalidArgumentError(`${path} has no graph: it is damaged, or no SavedModel.`);
}

/** The graph that has these tags and no others. @throws NotFoundError with the tags of those that there are */
export function graphWithTags(path: string, { metaGraphs }: SavedModel, tags: readonly string[]): MetaGraphDef {
  const key = (of: readonly string[]): string => JSON.stringify([...new Set(of)].sort());
  const found = metaGraphs.find(({ metaInfoDef }) => key(metaInfoDef?.tags ?? []) === key(tags));
  if (found) return found;
  const list = (of: readonly string[]): string => `[${of.map((tag) => `'${tag}'`).join(', ')}]`;
  const others = metaGraphs.map(({ metaInfoDef }) => list(metaInfoDef?.tags ?? [])).join(' and ');
  throw new NotFoundError(`${path} has no graph with the tags ${list(tags)}. It has ${others}: choose with { tags }.`);
}
