// Messages of a Connect stream on the wire: a byte of flags, four of length, then the message.

const HEADER_BYTES = 5;
const END_FLAG = 2;

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

/** The messages that are whole once `chunk` has come after `before`, and what is left of the next one. */
export function splitEnvelopes(before: Uint8Array, chunk: Uint8Array): { envelopes: Envelope[]; rest: Uint8Array } {
  const bytes =
    before.length === 0 ? Buffer.from(chunk.buffer, chunk.byteOffset, chunk.length) : Buffer.concat([before, chunk]);
  const envelopes: Envelope[] = [];
  let at = 0;
  while (bytes.length - at >= HEADER_BYTES) {
    const end = at + HEADER_BYTES + bytes.readUInt32BE(at + 1);
    if (end > bytes.length) break;
    envelopes.push({ isEnd: (bytes.readUInt8(at) & END_FLAG) !== 0, data: bytes.subarray(at + HEADER_BYTES, end) });
    at = end;
  }
  return { envelopes, rest: bytes.subarray(at) };
}
