import {
  type Invocation,
  InvocationRequest,
  InvocationRequestSchema,
  InvocationStatus,
  InvocationStatusSchema,
} from "../../gen/hydra/v1/engine_pb.ts";
import { enumWord } from "../enum-words.ts";

/** How an invocation stands, in a word: its status, or what tells more. */
export function standing({ status, asked, unserved }: Invocation): string {
  if (status === InvocationStatus.PARKED && asked === InvocationRequest.PAUSE) return "paused";
  return unserved ? "unserved" : enumWord(InvocationStatusSchema, status);
}

/** The same in full. */
export function standingInFull(invocation: Invocation): string {
  const { status, asked, unserved } = invocation;
  const word = enumWord(InvocationStatusSchema, status);
  if (status === InvocationStatus.PARKED && asked === InvocationRequest.PAUSE) return `${word}, as an operator asked`;
  if (unserved) return `${word}, but no server that is up has its handler`;
  const open = status !== InvocationStatus.SUCCEEDED && status !== InvocationStatus.FAILED;
  if (!open || asked === InvocationRequest.UNSPECIFIED) return word;
  return `${word}, asked to ${enumWord(InvocationRequestSchema, asked)}`;
}
