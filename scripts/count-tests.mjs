// Prints "passed failed" for a result file of `jest --json`; a suite that did not run counts as one failure.
import { readFileSync } from 'node:fs';

const result = JSON.parse(readFileSync(process.argv[2], 'utf8'));
console.log(result.numPassedTests, result.numFailedTests + result.numRuntimeErrorTestSuites);
