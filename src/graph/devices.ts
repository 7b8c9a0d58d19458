/** Device specifications: `/job:J/replica:R/task:T/device:TYPE:ID`, any part of which may be missing. */
import { InvalidArgumentError } from './errors.js';

interface DeviceSpec {
  job?: string;
  replica?: string;
  task?: string;
  type?: string;
  id?: string;
}

/** Parses a device string. @throws InvalidArgumentError naming the part that is not understood. */
function parse(text: string): DeviceSpec {
  const spec: DeviceSpec = {};
  for (const part of text.split('/').filter((p) => p !== '')) {
    const match =
      /^(?:(job):([A-Za-z_][A-Za-z0-9_]*)|(replica|task):(\d+)|device:([A-Za-z_]+)(?::(\d+|\*))?|(CPU|GPU|TPU|cpu|gpu|tpu)(?::(\d+|\*))?)$/.exec(
        part,
      );
    if (!match) throw new InvalidArgumentError(`Unknown attribute '${part}' in the device spec '${text}'.`);
    const [, job, jobName, numbered, number, type, id, bare, bareId] = match;
    if (job) spec.job = jobName!;
    else if (numbered) spec[numbered as 'replica' | 'task'] = number!;
    else {
      spec.type = type ?? bare!.toUpperCase();
      spec.id = id ?? bareId ?? '*';
    }
  }
  return spec;
}

function format(spec: DeviceSpec): string {
  let text = '';
  if (spec.job !== undefined) text += `/job:${spec.job}`;
  if (spec.replica !== undefined) text += `/replica:${spec.replica}`;
  if (spec.task !== undefined) text += `/task:${spec.task}`;
  if (spec.type !== undefined) text += `/device:${spec.type}:${spec.id}`;
  return text;
}

/** A device string in canonical form. */
export function canonicalDevice(text: string): string {
  return format(parse(text));
}

/** Nested scopes merge field by field: what `inner` says wins, the rest comes from `outer`. Both are canonical. */
export function mergeDevices(outer: string, inner: string): string {
  if (outer === '' || inner === '') return outer + inner;
  return format({ ...parse(outer), ...parse(inner) });
}
