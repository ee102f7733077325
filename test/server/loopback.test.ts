import { expect, test } from "vitest";
import { isLoopbackAuthority, isLoopbackHost } from "../../src/server/loopback.ts";

test.each(["localhost", "LOCALHOST", "127.0.0.1", "127.1.2.3", "::1"])("host %s: this machine", (host) => {
  expect(isLoopbackHost(host)).toBe(true);
});

test.each(["0.0.0.0", "::", "10.0.0.1", "127.evil.example", "localhost.evil.example", "", "1127.0.0.1"])(
  "host '%s': not this machine",
  (host) => {
    expect(isLoopbackHost(host)).toBe(false);
  },
);

test.each(["localhost", "localhost:8080", "127.0.0.1:1", "127.9.9.9", "[::1]", "[::1]:8080"])(
  "Host header %s: this machine",
  (authority) => {
    expect(isLoopbackAuthority(authority)).toBe(true);
  },
);

test.each([
  undefined,
  "",
  "evil.example",
  "evil.example:8080",
  "localhost:80:80",
  "127.0.0.1.evil.example",
  "[::2]",
  "::1",
])("Host header %s: not this machine", (authority) => {
  expect(isLoopbackAuthority(authority)).toBe(false);
});
