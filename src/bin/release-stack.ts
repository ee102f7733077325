/** What has been started and must be stopped, last in first out. */
export class ReleaseStack {
  readonly #releases: (() => void | Promise<void>)[] = [];
  #running: Promise<void> | undefined;

  /** Keeps what is needed to stop a thing that has just been started. */
  defer(release: () => void | Promise<void>): void {
    this.#releases.push(release);
  }

  /**
   * Stops everything once, however often it is called. A release that fails does
   * not hold up the others.
   *
   * @throws the first error, after all have been tried.
   */
  release(): Promise<void> {
    return (this.#running ??= this.#releaseAll());
  }

  async #releaseAll(): Promise<void> {
    const errors: unknown[] = [];
    for (const release of this.#releases.toReversed()) {
      try {
        await release();
      } catch (error) {
        errors.push(error);
      }
    }
    if (errors.length > 0) throw errors[0];
  }
}
