/** The texts of the compiler's stages. Where they have changed on purpose: `npm run goldens`, and look at the difference. */
import { expect, test } from '@jest/globals';
import { readdirSync, readFileSync } from 'node:fs';
import { disassemble } from '../../../src/session/backends/wasm/assembler/disassemble.js';
import { engine } from '../../../src/session/backends/wasm/engine.js';
import { assembled } from './disassembly.js';
import { compiled, goldenFolder, goldens, programs } from './golden-programs.js';

const found = goldens();

test('every stage of every program has its text', () => {
  expect(found.map(({ file }) => file).sort()).toEqual(readdirSync(goldenFolder).sort());
});

test.each(found.map(({ file, text }) => [file, text] as const))('%s', (file, text) => {
  expect(text).toBe(readFileSync(new URL(file, goldenFolder), 'utf8'));
});

test('texts are the same again', () => {
  expect(goldens()).toEqual(found);
});

test.each(Object.entries(programs))('%s: wabt makes of the text of the module what it is of', (_, build) => {
  const { bytes } = compiled(build, () => undefined);
  expect(engine!.validate(bytes)).toBe(true);
  const text = disassemble(bytes);
  const again = assembled(text);
  // Names are the last section.
  expect(Buffer.from(bytes).subarray(0, again.length).equals(Buffer.from(again))).toBe(true);
  expect(disassemble(bytes.subarray(0, again.length)).split('\n').length).toBe(text.split('\n').length);
});
