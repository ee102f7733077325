import { type DescMethod, getOption, hasOption } from "@bufbuild/protobuf";
import { Role, role as roleOption, RoleSchema } from "../../gen/hydra/v1/options_pb.ts";

/** Services that are not hydra's: their methods cannot carry the option. */
const ROLE_OF_FOREIGN: Readonly<Record<string, Role>> = {
  "grpc.health.v1.Health": Role.UNSPECIFIED,
  "grpc.reflection.v1.ServerReflection": Role.VIEWER,
  "grpc.reflection.v1alpha.ServerReflection": Role.VIEWER,
};

/** The roles whose bearers may do what takes the role; `UNSPECIFIED` takes none. */
const ALLOWED: Readonly<Record<Role, readonly Role[]>> = {
  [Role.UNSPECIFIED]: [Role.UNSPECIFIED, Role.VIEWER, Role.OPERATOR, Role.AGENT, Role.ADMIN],
  [Role.VIEWER]: [Role.VIEWER, Role.OPERATOR, Role.ADMIN],
  [Role.OPERATOR]: [Role.OPERATOR, Role.ADMIN],
  [Role.AGENT]: [Role.AGENT, Role.ADMIN],
  [Role.ADMIN]: [Role.ADMIN],
};

/** May who has one role do what takes another? */
export function allows(had: Role, needed: Role): boolean {
  return ALLOWED[needed]?.includes(had) === true;
}

/** The role that a method takes. Throws where nobody has said: such a method must not be served. */
export function roleOf(method: DescMethod): Role {
  if (hasOption(method, roleOption)) return getOption(method, roleOption);
  const role = ROLE_OF_FOREIGN[method.parent.typeName];
  if (role === undefined)
    throw new Error(`${method.parent.typeName}.${method.name} says in no option \`role\` who may call it`);
  return role;
}

/** As operators write it: `viewer`. */
export function roleWord(role: Role): string {
  return RoleSchema.value[role]?.localName.toLowerCase() ?? "unknown";
}
