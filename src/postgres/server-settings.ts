/** What the server is told on its command line, where neither a file nor ALTER SYSTEM can change it. */
const DEFAULTS: Record<string, string> = {
  // Whatever was acknowledged must survive a crash of the machine.
  fsync: "on",
  synchronous_commit: "on",
  full_page_writes: "on",
  shared_buffers: "128MB",
  max_connections: "60",
  // Fewer checkpoints under load, each of which makes the log of changes longer.
  max_wal_size: "2GB",
  // Statements are short and many; compiling one costs more than running it.
  jit: "off",
  log_checkpoints: "off",
  log_timezone: "UTC",
};

/** The `-c` arguments of `postgres`; `settings` win over the defaults, but the server never listens on TCP. */
export function serverArguments(socketDir: string, settings: Record<string, string>): string[] {
  const all = {
    ...DEFAULTS,
    ...settings,
    listen_addresses: "",
    unix_socket_directories: socketDir,
    unix_socket_permissions: "0700",
  };
  return Object.entries(all).flatMap(([name, value]) => ["-c", `${name}=${value}`]);
}
