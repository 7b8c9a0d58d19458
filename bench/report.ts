/** Tables in Markdown, to be pasted into docs/performance.md. */
import type { Measurement, Timing } from './measure.js';
import { isUnable, type Peer, type Unable } from './types.js';

export function table(head: readonly string[], rows: readonly (readonly string[])[]): string {
  const line = (cells: readonly string[]): string => `| ${cells.join(' | ')} |`;
  return [line(head), line(head.map(() => '---')), ...rows.map(line)].join('\n');
}

export function duration(seconds: number): string {
  if (seconds < 1e-4) return `${digits(seconds * 1e6)} µs`;
  return seconds < 1 ? `${digits(seconds * 1e3)} ms` : `${digits(seconds)} s`;
}

/** Three digits, and no exponent. */
export function digits(value: number): string {
  if (value >= 100) return String(Math.round(value));
  return value.toFixed(value >= 10 ? 1 : 2);
}

/** One table a section, the fastest of a row in bold, and below it why some cannot take part. */
export function sections(measurements: readonly Measurement[], peers: readonly string[]): string {
  const titles = [...new Set(measurements.map(({ workload }) => workload.section))];
  return titles.map((title) => section(title, measurements, peers)).join('\n\n');
}

function section(title: string, all: readonly Measurement[], peers: readonly string[]): string {
  const measurements = all.filter(({ workload }) => workload.section === title);
  const rows = measurements.map(({ workload, timings }) => {
    const timed = [...timings.values()].filter((timing): timing is Timing => !isUnable(timing));
    const best = Math.min(...timed.map(({ seconds }) => seconds));
    return [workload.title, ...peers.map((name) => cell(timings.get(name), best, workload.flops))];
  });
  const notes = measurements.flatMap(({ workload, timings }) =>
    [...timings].flatMap(([name, timing]) => (isUnable(timing) ? [`- ${name}, ${workload.id}: ${timing.unable}`] : [])),
  );
  return [`### ${title}`, table(['step', ...peers], rows), ...(notes.length > 0 ? [notes.join('\n')] : [])].join(
    '\n\n',
  );
}

function cell(timing: Timing | Unable | undefined, best: number, flops: number | undefined): string {
  if (!timing || isUnable(timing)) return '–';
  const { seconds, ratio } = timing;
  const time = seconds === best ? `**${duration(seconds)}**` : duration(seconds);
  const rate = flops === undefined ? '' : `, ${digits(flops / seconds / 1e9)} GF/s`;
  return `${time}${rate}${ratio === 1 ? '' : ` (${digits(ratio)}×)`}`;
}

/** How much longer others take: each, and the best of those that are called from JavaScript. */
export function summary(measurements: readonly Measurement[], peers: readonly Peer[]): string {
  const others = peers.slice(1);
  const wasm = others.filter(({ kind }) => kind === 'wasm').map(({ name }) => name);
  const script = others.filter(({ kind }) => kind === 'wasm' || kind === 'native').map(({ name }) => name);
  const python = others.filter(({ kind }) => kind === 'python').map(({ name }) => name);
  const groups: [string, readonly string[]][] = [
    ...others.map(({ name }): [string, readonly string[]] => [name, [name]]),
    ['the best WebAssembly peer', wasm],
    ['the best JavaScript peer, native ones too', script],
    ['the best Python peer', python],
  ];
  const rows = groups.flatMap(([title, names]) => {
    const best = measurements.flatMap(({ workload, timings }) => {
      const ratios = names.flatMap((name) => {
        const timing = timings.get(name);
        return timing && !isUnable(timing) ? [timing.ratio] : [];
      });
      return ratios.length > 0 ? [{ id: workload.id, ratio: Math.min(...ratios) }] : [];
    });
    if (best.length === 0) return [];
    const mean = Math.exp(best.reduce((sum, { ratio }) => sum + Math.log(ratio), 0) / best.length);
    const ahead = best.filter(({ ratio }) => ratio < 1).map(({ id, ratio }) => `${id} (${digits(ratio)}×)`);
    return [[title, String(best.length), `${digits(mean)}×`, ahead.join(', ') || 'nowhere']];
  });
  return `### Time by tapeless's\n\n${table(['', 'workloads', 'geometric mean', 'faster than tapeless in'], rows)}`;
}
