// Sums up build/test-results.json, which `npm test` leaves, in one line: `N passed, N failed`. Its argument is the exit code of
// what ran: when that is not 0 and no test accounts for it (install, lint, types, an error outside a test), it counts as one failure.
import { existsSync, readFileSync } from "node:fs";

const status = Number(process.argv[2] ?? 0);
const path = "build/test-results.json";
const { testResults: files } = existsSync(path) ? JSON.parse(readFileSync(path, "utf8")) : { testResults: [] };
const tests = files.flatMap(({ assertionResults }) => assertionResults);
const passed = tests.filter((test) => test.status === "passed").length;
const notPassed = tests.filter((test) => test.status !== "passed");
// a file that fails before its first test has no tests to show for it
const broken = files.filter(
  ({ status, assertionResults }) => status === "failed" && assertionResults.every((test) => test.status === "passed"),
);

for (const { status, fullName } of notPassed) console.log(`${status}: ${fullName}`);
for (const { name, message } of broken) console.log(`failed: ${name}: ${message}`);
let failed = notPassed.length + broken.length;
if (failed === 0 && (status !== 0 || passed === 0)) {
  console.log(status !== 0 ? `failed: got exit code ${status}, expected 0 (see above)` : "failed: got no test at all, expected some");
  failed = 1;
}
console.log(`${passed} passed, ${failed} failed`);
process.exitCode = failed > 0 ? 1 : 0;
