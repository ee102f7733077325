// Prints what JSON reports of vitest counted together, as one plain line: `12 passed, 0 failed`. Says nothing where a
// run never came to the tests, and ends with a status that is not 0 unless all of them passed.
import { readFileSync } from "node:fs";

interface Report {
  success: boolean;
  numPassedTests: number;
  numFailedTests: number;
  testResults: { status: string; assertionResults: { status: string }[] }[];
}

const reports = process.argv.slice(2).map((file) => {
  const text = readFileSync(file, "utf8");
  if (text !== "") return JSON.parse(text) as Report;
  console.error("no tests were run");
  process.exit(1);
});

// A file that fails as a whole (it does not load, a hook throws) has no failed test of its own to count.
const brokenFiles = reports
  .flatMap(({ testResults }) => testResults)
  .filter(
    ({ status, assertionResults }) => status === "failed" && assertionResults.every((test) => test.status !== "failed"),
  );
const sum = (count: (report: Report) => number) => reports.reduce((total, report) => total + count(report), 0);
const passed = sum((report) => report.numPassedTests);
const failed = sum((report) => report.numFailedTests) + brokenFiles.length;

console.log(`${passed} passed, ${failed} failed`);
if (failed > 0 || passed === 0 || !reports.every(({ success }) => success)) process.exitCode = 1;
