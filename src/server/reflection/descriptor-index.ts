import { type DescFile, type DescMessage, type DescService, toBinary } from "@bufbuild/protobuf";
import { FileDescriptorProtoSchema } from "@bufbuild/protobuf/wkt";

/** Finds descriptor files by what they hold. Immutable. */
export class DescriptorIndex {
  readonly #files = new Map<string, DescFile>();
  readonly #symbols = new Map<string, DescFile>();
  readonly #extensions = new Map<string, Map<number, DescFile>>();

  /** Of the files of these services and all that they import. */
  constructor(services: readonly DescService[]) {
    for (const service of services) this.#add(service.file);
  }

  file(name: string): DescFile | undefined {
    return this.#files.get(name);
  }

  /** The file that declares a message, field, oneof, enum, enum value, service, method or extension of this full name. */
  fileOfSymbol(name: string): DescFile | undefined {
    return this.#symbols.get(name);
  }

  fileOfExtension(messageName: string, number: number): DescFile | undefined {
    return this.#extensions.get(messageName)?.get(number);
  }

  /** Numbers of all extensions of a message, ascending. Undefined: no such message. */
  extensionNumbers(messageName: string): number[] | undefined {
    if (!this.#symbols.has(messageName)) return undefined;
    return [...(this.#extensions.get(messageName)?.keys() ?? [])].sort((a, b) => a - b);
  }

  #add(file: DescFile): void {
    const name = fileName(file);
    if (this.#files.has(name)) return;
    this.#files.set(name, file);
    for (const dependency of file.dependencies) this.#add(dependency);
    this.#addSymbols(file);
    for (const extension of extensionsOf(file)) {
      const numbers = this.#extensions.get(extension.extendee.typeName) ?? new Map<number, DescFile>();
      this.#extensions.set(extension.extendee.typeName, numbers.set(extension.number, file));
    }
  }

  #addSymbols(file: DescFile): void {
    const add = (name: string) => this.#symbols.set(name, file);
    for (const service of file.services) {
      add(service.typeName);
      for (const method of service.methods) add(`${service.typeName}.${method.name}`);
    }
    for (const message of messagesOf(file.messages)) {
      add(message.typeName);
      for (const member of message.members) add(`${message.typeName}.${member.name}`);
    }
    const enums = [...file.enums, ...messagesOf(file.messages).flatMap((message) => message.nestedEnums)];
    for (const desc of enums) {
      add(desc.typeName);
      // By protobuf's scoping an enum's values are siblings of the enum.
      const scope = desc.typeName.slice(0, -desc.name.length);
      for (const value of desc.values) add(scope + value.name);
    }
    for (const extension of extensionsOf(file)) add(extension.typeName);
  }
}

/** A file with everything it imports, importers last, as FileDescriptorProto. */
export function encodedWithImports(file: DescFile): Uint8Array[] {
  const encoded = new Map<string, Uint8Array>();
  const add = (each: DescFile) => {
    if (encoded.has(fileName(each))) return;
    for (const dependency of each.dependencies) add(dependency);
    encoded.set(fileName(each), toBinary(FileDescriptorProtoSchema, each.proto));
  };
  add(file);
  return [...encoded.values()].reverse();
}

function fileName(file: DescFile): string {
  return file.proto.name;
}

function messagesOf(messages: readonly DescMessage[]): DescMessage[] {
  return messages.flatMap((message) => [message, ...messagesOf(message.nestedMessages)]);
}

function extensionsOf(file: DescFile) {
  return [...file.extensions, ...messagesOf(file.messages).flatMap((message) => message.nestedExtensions)];
}
