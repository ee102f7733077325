import type { Step } from "./programs.ts";

// The model: what a program does where nothing ever breaks, told from the program alone.

/** Answer of a program: what each of its steps brought, in order. */
export type Answer = readonly (string | Answer)[];

export interface Told {
  /** Undefined: it fails. */
  readonly answer: Answer | undefined;
  /** Paths of its marks, and of those it calls and sends, in no order. */
  readonly marks: readonly string[];
  /** Paths that it appends to the list of its key itself, in order. */
  readonly appends: readonly string[];
  /** The same of every program that it calls or sends, with their keys. */
  readonly others: readonly { readonly key: number; readonly appends: readonly string[] }[];
}

/** What a wait is answered with. */
export function valueFor(path: string): string {
  return `value of ${path}`;
}

export function tell(steps: readonly Step[], path: string): Told {
  const answer: (string | Answer)[] = [];
  const marks: string[] = [];
  const appends: string[] = [];
  const others: { key: number; appends: readonly string[] }[] = [];
  let failed = false;
  steps.forEach((step, i) => {
    const own = `${path}.${i}`;
    switch (step.do) {
      case "mark":
        marks.push(own);
        break;
      case "append":
        appends.push(own);
        break;
      case "flaky":
        answer.push(own);
        break;
      case "wait":
        answer.push(valueFor(own));
        break;
      case "call":
      case "send": {
        const told = tell(step.steps, own);
        marks.push(...told.marks);
        others.push({ key: step.key, appends: told.appends }, ...told.others);
        if (step.do === "call") answer.push(told.answer ?? "failed");
        break;
      }
      case "fail":
        failed = true;
        break;
      case "sleep":
        break;
    }
  });
  return { answer: failed ? undefined : answer, marks, appends, others };
}
