export { CertificateError, type TlsFiles } from "./certificate.ts";
export { SecureDoor } from "./secure-door.ts";
