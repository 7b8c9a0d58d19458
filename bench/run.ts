/**
 * Time of a step of small programs, compiled and interpreted, in turns: medians of many runs and their ratio. Both must agree before
 * anything is timed.
 *
 * Run: npm run bench:run
 */
import * as tl from '../src/index.js';

interface Workload {
  readonly name: string;
  readonly fetches: readonly (tl.Tensor | tl.Operation)[];
  readonly feeds: ReadonlyMap<tl.Tensor, tl.TensorData>;
}

const numbers = (n: number): Float32Array => Float32Array.from({ length: n }, (_, i) => Math.sin(i * 12.9898) / 2);
const input = (shape: readonly number[], name: string) => tl.placeholder('float32', shape, { name }) as tl.Tensor;
const gradient = (y: tl.Tensor, x: tl.Tensor) => tl.gradients(y, x)[0] as tl.Tensor;
const fed = (x: tl.Tensor) => [x, numbers((x.shape as readonly number[]).reduce((a, b) => a * b, 1))] as const;

function rosenbrock(): Workload {
  const x = input([10], 'x');
  const [a, b] = [tl.slice(x, [0], [9]), tl.slice(x, [1], [9])];
  const terms = tl
    .square(b.subtract(tl.square(a)))
    .multiply(100)
    .add(tl.square(a.subtract(1)));
  const y = tl.reduceSum(terms);
  return { name: 'Rosenbrock in R^10, value and gradient', fetches: [y, gradient(y, x)], feeds: new Map([fed(x)]) };
}

function elementwise(): Workload {
  const x = input([1_000_000], 'x');
  let y = x;
  for (let i = 0; i < 20; i++)
    y = [() => y.multiply(1.01), () => y.add(0.1), () => tl.square(y).multiply(0.5)][i % 3]!();
  const sum = tl.reduceSum(y);
  return {
    name: '20 elementwise ops on 1e6, sum, gradient',
    fetches: [sum, gradient(sum, x)],
    feeds: new Map([fed(x)]),
  };
}

function regression(): Workload {
  const [x, t] = [input([20640, 9], 'x'), input([20640, 1], 't')];
  const w = tl.variable(numbers(9), { name: 'w' });
  const loss = tl.reduceMean(tl.square(tl.matmul(x, tl.reshape(w, [9, 1])).subtract(t)));
  const step = new tl.train.GradientDescentOptimizer(1e-3).minimize(loss);
  return { name: 'linear regression, 20640×9', fetches: [loss, step], feeds: new Map([fed(x), fed(t)]) };
}

const perceptron =
  (batch: number, optimizer: { minimize(loss: tl.Tensor): tl.Operation }, what: string) => (): Workload => {
    const [x, t] = [input([batch, 784], 'x'), input([batch, 10], 't')];
    let h = x;
    [784, 256, 128].forEach((rows, i, sizes) => {
      const columns = sizes[i + 1] ?? 10;
      const w = tl.variable(
        tl.constant(
          numbers(rows * columns).map((v) => v / 5),
          { shape: [rows, columns] },
        ),
      );
      h = tl.matmul(h, w).add(tl.variable(tl.constant(0, { shape: [columns] })));
      if (i < 2) h = tl.nn.relu(h);
    });
    const loss = tl.reduceMean(tl.nn.softmaxCrossEntropyWithLogits(tl.nn.softmax(t), h));
    const name = `MLP 784-256-128-10, batch ${batch}, ${what}`;
    return { name, fetches: [loss, optimizer.minimize(loss)], feeds: new Map([fed(x), fed(t)]) };
  };

function product(): Workload {
  const [a, b] = [input([512, 512], 'a'), input([512, 512], 'b')];
  return { name: 'MatMul 512³', fetches: [tl.matmul(a, b)], feeds: new Map([fed(a), fed(b)]) };
}

const sgd = () => new tl.train.GradientDescentOptimizer(0.01);
const workloads = [
  rosenbrock,
  regression,
  perceptron(32, sgd(), 'SGD'),
  perceptron(32, new tl.train.AdamOptimizer(), 'Adam'),
  perceptron(256, sgd(), 'SGD'),
  elementwise,
  product,
];

const median = (values: readonly number[]): number => [...values].sort((a, b) => a - b)[values.length >> 1]!;

/** Milliseconds of one call, from as many as take about 20 ms. */
function timed(run: () => unknown, calls: number): number {
  const start = performance.now();
  for (let i = 0; i < calls; i++) run();
  return (performance.now() - start) / calls;
}

console.log('| step | compiled | interpreted | ratio |\n| --- | --- | --- | --- |');
for (const make of workloads) {
  const graph = new tl.Graph();
  const { workload, init } = graph.asDefault(() => ({ workload: make(), init: tl.globalVariablesInitializer() }));
  const runs = ['wasm', 'interpret'].map((backend) => {
    const session = new tl.Session({ graph, backend });
    session.runSync(init);
    const callable = session.makeCallable([...workload.fetches], { feeds: [...workload.feeds.keys()] });
    return () => callable.sync(...workload.feeds.values());
  });
  const [ours, reference] = runs.map((run) => (run()[0] as tl.NDArray).element(0) as number) as [number, number];
  if (!(Math.abs(ours - reference) <= 1e-4 * Math.max(1, Math.abs(reference))))
    throw new Error(`${workload.name}: compiled ${ours}, interpreted ${reference}`);
  runs.forEach((run) => run());
  const calls = runs.map((run) => Math.max(1, Math.round(20 / timed(run, 2))));
  const times: number[][] = [[], []];
  for (let round = 0; round < 15; round++) runs.forEach((run, i) => times[i]!.push(timed(run, calls[i]!)));
  const [compiled, interpreted] = times.map(median) as [number, number];
  const shown = (ms: number) => (ms < 0.1 ? `${(1000 * ms).toFixed(1)} µs` : `${ms.toFixed(2)} ms`);
  console.log(
    `| ${workload.name} | ${shown(compiled)} | ${shown(interpreted)} | ${(interpreted / compiled).toFixed(0)} |`,
  );
}
