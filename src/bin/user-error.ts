/** Something that the person at the terminal can put right; shown without a stack. */
export class UserError extends Error {
  override name = "UserError";
}

/** The command line asks for something that does not exist. */
export class UsageError extends UserError {
  override name = "UsageError";
}

/** Ctrl-C came while something was starting; all of it has been stopped. */
export class StartGivenUpError extends Error {
  override name = "StartGivenUpError";
}
