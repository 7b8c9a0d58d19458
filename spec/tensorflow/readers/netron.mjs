// Opens files with Netron's own reader, as its application does, and says what it found: node netron.mjs PACKAGE FILE …
// PACKAGE is the folder of the Python package, which contains the application.
import { cpSync, mkdtempSync, readFileSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { basename, dirname, extname, join } from 'node:path';
import { pathToFileURL } from 'node:url';

const [source, ...files] = process.argv.slice(2);
// Its files are ES modules, which Node takes them for where a package says so.
const folder = mkdtempSync(join(tmpdir(), 'netron-'));
process.on('exit', () => rmSync(folder, { recursive: true, force: true }));
cpSync(source, folder, { recursive: true, filter: (path) => ['', '.js', '.json'].includes(extname(path)) });
writeFileSync(join(folder, 'package.json'), '{ "type": "module" }');
const load = (file) => import(pathToFileURL(join(folder, file)).href);

const complaints = [];
globalThis.window = globalThis;
globalThis.document = undefined;
const view = await load('view.js');
const { BinaryStream } = await load('base.js');

const host = {
  version: '0.0.0',
  environment: () => undefined,
  require: (id) => load(`${id}.js`),
  exception: (error) => complaints.push(String(error.message)),
  event: () => undefined,
};

/** A file among others, as Netron's hosts give it to its readers. */
class Context {
  constructor(path) {
    this.identifier = basename(path);
    this.stream = new BinaryStream(readFileSync(path));
    this.entries = new Map();
    this.host = host;
    this.folder = dirname(path);
  }

  async fetch(file, encoding, base) {
    const bytes = readFileSync(join(this.folder, base ?? '', file));
    return encoding ? bytes.toString(encoding) : new BinaryStream(bytes);
  }

  async asset(file) {
    return readFileSync(join(folder, file), 'utf8');
  }

  async require(id) {
    return host.require(id);
  }

  error(error) {
    complaints.push(String(error.message));
  }
}

for (const path of files) {
  complaints.length = 0;
  const model = await new view.ModelFactoryService(host).open(new Context(path));
  const graphs = model.modules
    .flatMap((graph) => [graph, ...(graph.functions ?? [])])
    .map((graph) => ({
      name: graph.name,
      nodes: graph.nodes.map((node) => ({
        name: node.name,
        type: node.type.name,
        // What Netron knows of the op, or of the function that the node calls.
        known: node.type.inputs !== undefined || node.type.outputs !== undefined,
        inputs: node.inputs.flatMap(({ name, value }) => value.map((item) => `${name}=${item.name}`)),
        outputs: node.outputs.flatMap(({ name, value }) => value.map((item) => `${name}=${item.name}`)),
        // What it shows as part of the node: constants that nothing else uses.
        constants: node.inputs.flatMap(({ value }) => value.flatMap((item) => (item.initializer ? [item.name] : []))),
        attributes: Object.fromEntries(node.attributes.map(({ name, value }) => [name, String(value)])),
        controls: (node.controlDependencies ?? []).map(({ name }) => name),
      })),
    }));
  console.log(JSON.stringify({ format: model.format, graphs, complaints }));
}
