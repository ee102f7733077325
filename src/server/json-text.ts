const utf8 = new TextDecoder("utf-8", { fatal: true });

/**
 * Reads the bytes of a JSON document: UTF-8, an empty body is `{}`. Takes the
 * place of the decoder in Connect's JSON options. Its errors never quote the
 * text, which may hold secrets.
 */
export const jsonText = {
  decode(bytes: Uint8Array): string {
    if (bytes.byteLength === 0) return "{}";
    const text = textOf(bytes);
    assertJson(text);
    return text;
  },
};

/** Is this text a JSON document? */
export function isJson(text: string): boolean {
  try {
    JSON.parse(text);
    return true;
  } catch {
    return false;
  }
}

/** Bytes as text. Throws where they are not UTF-8. */
export function textOf(bytes: Uint8Array): string {
  try {
    return utf8.decode(bytes);
  } catch {
    throw new Error("the body is not valid UTF-8");
  }
}

function assertJson(text: string): void {
  if (!isJson(text)) throw new Error("the body is not valid JSON");
}
