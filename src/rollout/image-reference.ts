import { TerminalError } from "../engine/index.ts";

// https://github.com/distribution/reference: name [":" tag] ["@" digest], where
// the name may start with a registry.

const LONGEST_NAME = 255;
const DOMAIN_COMPONENT = /^[A-Za-z0-9](?:[A-Za-z0-9-]*[A-Za-z0-9])?$/;
const IPV6_DOMAIN = /^\[[A-Fa-f0-9:]+\](?::[0-9]+)?$/;
const PATH_COMPONENT = /^[a-z0-9]+(?:(?:\.|_|__|-+)[a-z0-9]+)*$/;
const TAG = /^[A-Za-z0-9_][A-Za-z0-9_.-]{0,127}$/;
const DIGEST = /^[A-Za-z][A-Za-z0-9]*(?:[-_+.][A-Za-z][A-Za-z0-9]*)*:[A-Fa-f0-9]{32,}$/;
const SHA256 = /^sha256:[a-f0-9]{64}$/;
const LONGEST_SHOWN = 200;

/**
 * Throws a TerminalError of kind `invalid` unless the text is an image
 * reference, for example `ghcr.io/acme/sentinel:v1.2.3`.
 */
export function checkImageReference(image: string): void {
  if (image === "") throw new TerminalError("image is required", "invalid");
  const fault = faultOf(image);
  if (fault === undefined) return;
  throw new TerminalError(
    `image ${shown(image)} is not a valid image reference: ${fault}; accepted is [registry[:port]/]path[:tag][@digest], ` +
      `for example ghcr.io/acme/sentinel:v1.2.3`,
    "invalid",
  );
}

function faultOf(image: string): string | undefined {
  const { name, tag, digest } = split(image);
  return faultOfName(name) ?? faultOfTag(tag) ?? faultOfDigest(digest);
}

function split(image: string): { name: string; tag: string | undefined; digest: string | undefined } {
  const at = image.indexOf("@");
  const digest = at < 0 ? undefined : image.slice(at + 1);
  const rest = at < 0 ? image : image.slice(0, at);
  // A colon before the last slash belongs to the registry's port.
  const colon = rest.indexOf(":", rest.lastIndexOf("/") + 1);
  return { name: colon < 0 ? rest : rest.slice(0, colon), tag: colon < 0 ? undefined : rest.slice(colon + 1), digest };
}

function faultOfName(name: string): string | undefined {
  if (name === "") return "it has no name";
  if (name.length > LONGEST_NAME) return `its name is longer than ${LONGEST_NAME} characters`;
  const components = name.split("/");
  const [first = ""] = components;
  if (components.length > 1 && isDomain(first)) components.shift();
  const bad = components.find((component) => !PATH_COMPONENT.test(component));
  if (bad === undefined) return undefined;
  return bad === ""
    ? "a part of its path is empty"
    : `the part ${shown(bad)} may only have lower-case letters and digits, separated by '.', '_', '__' or '-'`;
}

function isDomain(component: string): boolean {
  if (IPV6_DOMAIN.test(component)) return true;
  const [host = "", port, ...more] = component.split(":");
  if (more.length > 0 || (port !== undefined && !/^[0-9]+$/.test(port))) return false;
  return host.split(".").every((part) => DOMAIN_COMPONENT.test(part));
}

function faultOfTag(tag: string | undefined): string | undefined {
  if (tag === undefined || TAG.test(tag)) return undefined;
  return "its tag must be 1 to 128 of A-Z a-z 0-9 _ . - and not start with '.' or '-'";
}

function faultOfDigest(digest: string | undefined): string | undefined {
  if (digest === undefined) return undefined;
  const valid = /^sha256:/i.test(digest) ? SHA256.test(digest) : DIGEST.test(digest);
  return valid ? undefined : "its digest must be algorithm:hex, for sha256 with 64 lower-case hexadecimal digits";
}

function shown(text: string): string {
  return JSON.stringify(text.length > LONGEST_SHOWN ? `${text.slice(0, LONGEST_SHOWN)}…` : text);
}
