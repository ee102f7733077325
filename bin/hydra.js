#!/usr/bin/env node
// Looks at the version of Node before anything else is loaded. Only syntax that old versions can parse: what comes
// after the check is in start.js.
var needed = [22, 18];
var found = process.versions.node.split(".").map(Number);

if (found[0] < needed[0] || (found[0] === needed[0] && found[1] < needed[1])) {
  console.error("hydra needs Node " + needed.join(".") + " or later, and this is " + process.versions.node + ".");
  process.exitCode = 1;
} else {
  void import("./start.js");
}
