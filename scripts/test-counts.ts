// Prints what a JSON report of vitest counted, as one plain line: `12 passed, 0 failed`. Says nothing where the run
// never came to the tests, and ends with a status that is not 0 unless all of them passed.
import { readFileSync } from "node:fs";

interface Report {
  success: boolean;
  numPassedTests: number;
  numFailedTests: number;
  testResults: { status: string; assertionResults: { status: string }[] }[];
}

const [, , file = ""] = process.argv;
const text = readFileSync(file, "utf8");
if (text === "") {
  console.error("no tests were run");
  process.exit(1);
}

const report = JSON.parse(text) as Report;
// A file that fails as a whole (it does not load, a hook throws) has no failed test of its own to count.
const brokenFiles = report.testResults.filter(
  ({ status, assertionResults }) => status === "failed" && assertionResults.every((test) => test.status !== "failed"),
);
const failed = report.numFailedTests + brokenFiles.length;

console.log(`${report.numPassedTests} passed, ${failed} failed`);
if (failed > 0 || !report.success || report.numPassedTests === 0) process.exitCode = 1;
