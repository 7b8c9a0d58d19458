/** Writes the golden texts of spec/session/wasm/goldens: what the compiler's stages make of a few small programs. */
import { mkdirSync, rmSync, writeFileSync } from 'node:fs';
import { goldens, goldenFolder } from '../spec/session/wasm/golden-programs.js';

rmSync(goldenFolder, { recursive: true, force: true });
mkdirSync(goldenFolder);
for (const { file, text } of goldens()) writeFileSync(new URL(file, goldenFolder), text);
