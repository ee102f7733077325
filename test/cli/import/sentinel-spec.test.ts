import { toJson } from "@bufbuild/protobuf";
import { describe, expect, test } from "vitest";
import { sentinelSpecOf } from "../../../src/cli/import/sentinel-spec.ts";
import { jsonLine } from "../../../src/cli/json-line.ts";
import { SentinelSchema, SentinelSpecSchema } from "../../../src/gen/hydra/v1/sentinel_pb.ts";
import { sentinelsOf } from "../recorded-fleet.ts";

function specOf(row: unknown): unknown {
  const text = typeof row === "string" ? row : JSON.stringify(row);
  return toJson(SentinelSpecSchema, sentinelSpecOf({ place: "line 3", text }));
}

describe("a row of an import", () => {
  test("the table's columns: each reaches its field, null and what is left out stay unset", () => {
    const row = {
      id: "s",
      region_id: "eu",
      image: "i:v1",
      desired_replicas: 2,
      desired_state: "standby",
      memory_mib: null,
    };
    expect(specOf(row)).toEqual({
      id: "s",
      regionId: "eu",
      image: "i:v1",
      desiredReplicas: 2,
      desiredState: "SENTINEL_DESIRED_STATE_STANDBY",
    });
  });

  test("a line of `hydra sentinels list --json`: taken as it is, what hydra finds out itself is passed over", () => {
    const [sentinel] = sentinelsOf(1);
    expect(specOf(jsonLine(SentinelSchema, sentinel!))).toEqual({
      id: "snt_000001",
      workspaceId: "",
      projectId: "",
      environmentId: "",
      regionId: "eu-west-1",
      k8sNamespace: "",
      k8sName: "",
      image: "registry.example.com/platform/sentinel:v2.1.0",
      desiredState: "SENTINEL_DESIRED_STATE_RUNNING",
      desiredReplicas: 3,
      cpuMillicores: 0,
      memoryMib: 0,
    });
  });

  test.each([
    ["{", "it is no JSON (Expected property name or '}' in JSON at position 1); accepted is one object a line"],
    ['{"id":"\ufffd"}', "it is not UTF-8 text"],
    ["7", "it is no object"],
    ["[]", "it is no object"],
    ["null", "it is no object"],
    ["{}", "it has no id"],
    ['{"id":null}', "it has no id"],
    ['{"id":7}', "id is 7; accepted is a text"],
    ['{"id":"s","regoin_id":"eu"}', 'there is no column "regoin_id": did you mean region_id?'],
    ['{"id":"s","colour":"red"}', 'there is no column "colour": accepted are id, workspace_id'],
    ['{"id":"s","__proto__":{}}', 'there is no column "__proto__"'],
    ['{"id":"s","desired_replicas":"2"}', 'desired_replicas is "2"; accepted is a whole number'],
    ['{"id":"s","desired_replicas":1.5}', "desired_replicas is 1.5; accepted is a whole number"],
    ['{"id":"s","memory_mib":1e10}', "memory_mib is 10000000000; accepted is a whole number"],
    ['{"id":"s","desired_state":"gone"}', 'desired_state is "gone"; accepted are running, standby and archived'],
    ['{"id":"s","desired_state":"unspecified"}', "accepted are running, standby and archived"],
    ['{"id":"s","image":["\u001b[2J"]}', "it is no JSON (Bad control character"],
  ])("%s: refused, named by its line, with what is accepted", (text, problem) => {
    const message = messageOf(() => specOf(text));
    expect(message).toContain("line 3: ");
    expect(message).toContain(problem);
    expect(message).toMatch(/ Nothing was imported\.$/);
    expect(message).not.toMatch(/\p{Cc}/u);
  });
});

function messageOf(act: () => unknown): string {
  try {
    act();
  } catch (error) {
    return (error as Error).message;
  }
  return "";
}
