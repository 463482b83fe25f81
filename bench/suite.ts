/** What a suite is, and what it is given. */

export interface Bench {
  /** A smoke run of a few seconds: its figures mean nothing. */
  readonly quick: boolean;
  print(text: string): void;
  /** Called when the suite ends, however it ends; the last one first. */
  defer(stop: () => unknown): void;
}

export interface Suite {
  readonly name: string;
  /** One line. */
  readonly description: string;
  /** @throws when something could not be measured, or is wrong; a missed aim is printed, not thrown. */
  run(bench: Bench): Promise<void>;
}
