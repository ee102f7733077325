// Messages of a Connect stream on the wire: a byte of flags, four of length, then the message.

import { Code, ConnectError } from "@connectrpc/connect";

const HEADER_BYTES = 5;
const END_FLAG = 2;
/** One of Watch has a few kilobytes; one that does not end would be held whole. */
const MAX_MESSAGE_BYTES = 16 * 1024 * 1024;

/** One message; the last one of a stream tells how it ended. */
export interface Envelope {
  readonly isEnd: boolean;
  readonly data: Uint8Array;
}

/** A message as it is sent. */
export function joinEnvelope(data: Uint8Array): Uint8Array {
  const envelope = Buffer.alloc(HEADER_BYTES + data.length);
  envelope.writeUInt32BE(data.length, 1);
  envelope.set(data, HEADER_BYTES);
  return envelope;
}

/**
 * The messages that are whole once `chunk` has come after `before`, and what is left of the next one.
 *
 * @throws ConnectError where what comes is no message that was asked for.
 */
export function splitEnvelopes(before: Uint8Array, chunk: Uint8Array): { envelopes: Envelope[]; rest: Uint8Array } {
  const bytes =
    before.length === 0 ? Buffer.from(chunk.buffer, chunk.byteOffset, chunk.length) : Buffer.concat([before, chunk]);
  const envelopes: Envelope[] = [];
  let at = 0;
  while (bytes.length - at >= HEADER_BYTES) {
    const flags = bytes.readUInt8(at);
    const length = bytes.readUInt32BE(at + 1);
    if (flags !== 0 && flags !== END_FLAG) throw unreadable(`flags ${flags}`);
    if (length > MAX_MESSAGE_BYTES) throw unreadable(`${length} bytes`);
    const end = at + HEADER_BYTES + length;
    if (end > bytes.length) break;
    envelopes.push({ isEnd: flags === END_FLAG, data: bytes.subarray(at + HEADER_BYTES, end) });
    at = end;
  }
  return { envelopes, rest: bytes.subarray(at) };
}

/** Compressed though nobody asked for it, of a protocol to come, or no Connect at all. */
function unreadable(what: string): ConnectError {
  return new ConnectError(`the stream has a message with ${what}, which cannot be read`, Code.Internal);
}
