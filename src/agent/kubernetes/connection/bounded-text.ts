/**
 * All of a body as text.
 *
 * @throws RangeError if it is longer than `mostBytes`; what is left of it is not read.
 */
export async function boundedText(body: ReadableStream<Uint8Array> | null, mostBytes: number): Promise<string> {
  const decoder = new TextDecoder();
  let text = "";
  let size = 0;
  for await (const bytes of body ?? []) {
    size += bytes.length;
    // Leaving the loop cancels the stream.
    if (size > mostBytes) throw new RangeError(`the answer is longer than ${mostBytes} bytes`);
    text += decoder.decode(bytes, { stream: true });
  }
  return text + decoder.decode();
}
