/**
 * What one request reads and changes in the engine's storage: reads see the request's own changes, and all changes
 * leave as one statement just before the answer does.
 */
import { AsyncLocalStorage } from 'node:async_hooks';
import type { LogoutNotice } from '../applications/logout-notices.ts';
import type { Keyring } from '../lib/keyring.ts';
import { mergeSessions } from './session-merge.ts';
import type { EngineStore, PayloadRow, SessionRow, StoredPayload, StoredSession } from './store.ts';

export type Payload = Record<string, unknown> & { exp?: number; consumed?: unknown };

interface LoadedSession {
  readonly uidHash: Buffer;
  readonly idHash: Buffer;
  readonly base: Payload;
  readonly version: number;
}

interface Consumption {
  readonly idHash: Buffer;
  readonly payload: Payload | undefined;
}

/** A code or a refresh token that came a second time. */
export interface Replay {
  /** AuthorizationCode, RefreshToken... */
  readonly kind: string;
  readonly accountId: string | undefined;
  readonly clientId: string | undefined;
}

const SESSION_RETRIES = 20;
const current = new AsyncLocalStorage<UnitOfWork>();

export const currentUnit = (): UnitOfWork | undefined => current.getStore();
export const runInUnit = <T>(unit: UnitOfWork, work: () => Promise<T>): Promise<T> => current.run(unit, work);

export class UnitOfWork {
  readonly #store: EngineStore;
  readonly #keyring: Keyring;
  readonly #upserts = new Map<string, { row: PayloadRow; payload: Payload }>();
  readonly #destroyed = new Map<string, Buffer>();
  readonly #consumed = new Map<string, Consumption>();
  readonly #revoked = new Map<string, Buffer>();
  readonly #loadedSessions = new Map<string, LoadedSession>();
  readonly #read = new Map<string, Payload>();
  /** Read with something that belongs to it, and not asked for yet. */
  readonly #cameAlong = new Map<string, StoredPayload>();
  #session: { uidHash: Buffer; payload: Payload } | undefined;
  #destroyedSession: Buffer | undefined;
  #replay: Replay | undefined;
  #loggedOut: LogoutNotice[] = [];
  #told = false;
  readonly #afterwards: (() => Promise<void>)[] = [];

  constructor(store: EngineStore, keyring: Keyring) {
    this.#store = store;
    this.#keyring = keyring;
  }

  /** What this request used although it had been used before, if anything: its whole grant is revoked. */
  get replay(): Replay | undefined {
    return this.#replay;
  }

  /** Whether what was written has applications to tell that their sessions ended. */
  get told(): boolean {
    return this.#told;
  }

  /** Has an application told that its session ended, with all that the request writes. */
  tellLoggedOut(notice: LogoutNotice): void {
    this.#loggedOut.push(notice);
  }

  /** Has `work` done once everything is written: what it tells must have happened. */
  afterWriting(work: () => Promise<void>): void {
    this.#afterwards.push(work);
  }

  async runAfterwards(): Promise<void> {
    for (const work of this.#afterwards.splice(0)) await work();
  }

  hash(model: string, id: string): Buffer {
    return this.#keyring.lookupHash(`engine/${model}`, id);
  }

  async find(model: string, id: string): Promise<Payload | undefined> {
    const idHash = this.hash(model, id);
    const key = idHash.toString('hex');
    if (this.#destroyed.has(key)) return undefined;
    const written = this.#upserts.get(key);
    if (written) return structuredClone(written.payload);
    const read = this.#read.get(key);
    if (read) return structuredClone(read);
    const stored = this.#cameAlong.get(key) ?? (await this.#store.find(idHash));
    if (!stored) return undefined;
    const { grant } = stored;
    if (grant) this.#cameAlong.set(grant.idHash.toString('hex'), { ...grant, consumedAt: undefined });
    const payload = this.#open(idHash, stored.payload, stored.consumedAt);
    this.#read.set(key, payload);
    return structuredClone(payload);
  }

  async findByUserCode(userCode: string): Promise<Payload | undefined> {
    const stored = await this.#store.findByUserCode(this.hash('user-code', userCode));
    return stored && this.#open(stored.idHash, stored.payload, stored.consumedAt);
  }

  upsert(model: string, id: string, payload: Payload, expiresIn: number | undefined): void {
    const idHash = this.hash(model, id);
    const key = idHash.toString('hex');
    this.#destroyed.delete(key);
    const text = (name: string): string | undefined =>
      typeof payload[name] === 'string' ? payload[name] : undefined;
    const grantId = text('grantId');
    const userCode = text('userCode');
    this.#upserts.set(key, {
      payload: structuredClone(payload),
      row: {
        idHash,
        model,
        payload: this.#seal(idHash, payload),
        // An interaction names the grant it found; it is not given under it, and outlives it when another person signs in.
        grantHash: grantId && model !== 'Interaction' ? this.hash('Grant', grantId) : null,
        accountId: text('accountId') ?? null,
        clientId: text('clientId') ?? null,
        userCodeHash: userCode ? this.hash('user-code', userCode) : null,
        expiresAt: payload.exp ?? Math.floor(Date.now() / 1000) + (expiresIn ?? 0),
      },
    });
  }

  destroy(model: string, id: string): void {
    const idHash = this.hash(model, id);
    this.#upserts.delete(idHash.toString('hex'));
    this.#destroyed.set(idHash.toString('hex'), idHash);
  }

  async consume(model: string, id: string): Promise<void> {
    const idHash = this.hash(model, id);
    this.#consumed.set(idHash.toString('hex'), { idHash, payload: await this.find(model, id) });
  }

  revokeGrant(grantId: string): void {
    const grantHash = this.hash('Grant', grantId);
    this.#revoked.set(grantHash.toString('hex'), grantHash);
    for (const [key, { row }] of this.#upserts)
      if (row.grantHash?.equals(grantHash)) this.#upserts.delete(key);
    // The engine revokes a grant when it meets one of its values again.
    const met = [...this.#read.values()].find((one) => one.grantId === grantId && one.consumed);
    if (met) this.#noteReplay(met);
  }

  /** Keeps a value that may be seen only once, at once. @returns false when it was seen before. */
  remember(model: string, id: string, payload: Payload, expiresIn: number): Promise<boolean> {
    const idHash = this.hash(model, id);
    const expiresAt = payload.exp ?? Math.floor(Date.now() / 1000) + expiresIn;
    return this.#store.remember({ idHash, model, payload: this.#seal(idHash, payload), expiresAt });
  }

  async findSession(id: string): Promise<Payload | undefined> {
    const idHash = this.hash('Session', id);
    if (this.#session?.payload.jti === id) return structuredClone(this.#session.payload);
    return this.#load(await this.#store.findSession(idHash));
  }

  async findSessionByUid(uid: string): Promise<Payload | undefined> {
    const uidHash = this.hash('Session-uid', uid);
    if (this.#session?.uidHash.equals(uidHash)) return structuredClone(this.#session.payload);
    return this.#load(await this.#store.findSessionByUid(uidHash));
  }

  upsertSession(payload: Payload): void {
    const uidHash = this.hash('Session-uid', payload.uid as string);
    if (this.#destroyedSession?.equals(uidHash)) this.#destroyedSession = undefined;
    this.#session = { uidHash, payload: structuredClone(payload) };
  }

  /** A session whose identifier changes is destroyed by its old name, then stored by its new one: one row, renamed. */
  async destroySession(id: string): Promise<void> {
    const idHash = this.hash('Session', id);
    const loaded =
      [...this.#loadedSessions.values()].find((one) => one.idHash.equals(idHash)) ??
      (await this.#store.findSession(idHash));
    if (this.#session && loaded && this.#session.uidHash.equals(loaded.uidHash)) this.#session = undefined;
    this.#destroyedSession = loaded?.uidHash;
  }

  /**
   * Writes everything.
   * @returns false when something that may be used once had been used already: nothing was issued, and what the first
   * use had issued is revoked (RFC 9700 §2.2.2, §4.5).
   */
  async flush(): Promise<boolean> {
    if (this.#revoked.size > 0) {
      await this.#store.revokeGrants([...this.#revoked.values()]);
      this.#revoked.clear();
    }
    if (this.#isEmpty()) return true;

    const consumed = [...this.#consumed.values()];
    const session = this.#sessionRow();
    const upserted = [...this.#upserts.values()].map((one) => one.row);
    const { consumedAll, sessionWritten, told } = await this.#store.apply({
      consumed: consumed.map((one) => one.idHash),
      destroyed: [...this.#destroyed.values()],
      upserted,
      session,
      destroyedSession: this.#destroyedSession,
      loggedOut: this.#loggedOut,
    });
    this.#told ||= told;
    if (!sessionWritten && !(await this.#mergeSession())) await this.#withdraw(upserted);
    this.#reset();
    if (!consumedAll) {
      for (const { payload } of consumed) {
        if (typeof payload?.grantId !== 'string') continue;
        this.#noteReplay(payload);
        this.revokeGrant(payload.grantId);
        this.destroy('Grant', payload.grantId);
      }
      await this.flush();
    }
    return consumedAll;
  }

  #noteReplay({ kind, accountId, clientId }: Payload): void {
    const text = (value: unknown) => (typeof value === 'string' ? value : undefined);
    this.#replay = { kind: text(kind) ?? '', accountId: text(accountId), clientId: text(clientId) };
  }

  #isEmpty(): boolean {
    return (
      this.#upserts.size + this.#destroyed.size + this.#consumed.size === 0 &&
      !this.#session &&
      !this.#destroyedSession &&
      this.#loggedOut.length === 0
    );
  }

  #reset(): void {
    this.#upserts.clear();
    this.#destroyed.clear();
    this.#consumed.clear();
    this.#read.clear();
    this.#cameAlong.clear();
    this.#session = undefined;
    this.#destroyedSession = undefined;
    this.#loggedOut = [];
    this.#loadedSessions.clear();
  }

  #sessionRow(): SessionRow | undefined {
    if (!this.#session) return undefined;
    const { uidHash, payload } = this.#session;
    const loaded = this.#loadedSessions.get(uidHash.toString('hex'));
    return this.#asRow(uidHash, payload, loaded);
  }

  #asRow(uidHash: Buffer, payload: Payload, loaded: Omit<LoadedSession, 'uidHash'> | undefined): SessionRow {
    const idHash = this.hash('Session', payload.jti as string);
    const accountId = typeof payload.accountId === 'string' ? payload.accountId : null;
    // The identifier of before a sign-in must not open the session of after it: neither one that was planted (fixation)
    // nor one that was stolen and that the owner's new sign-in should make worthless.
    const sameSignIn =
      accountId !== null && loaded?.base.accountId === accountId && loaded.base.loginTs === payload.loginTs;
    const renamed = loaded !== undefined && !loaded.idHash.equals(idHash);
    return {
      uidHash,
      idHash,
      previousIdHash: renamed && sameSignIn ? loaded.idHash : null,
      accountId,
      payload: this.#seal(uidHash, payload),
      expiresAt: payload.exp ?? 0,
      version: loaded?.version ?? 0,
    };
  }

  /** @returns false when the session ended meanwhile: it stays so. */
  async #mergeSession(): Promise<boolean> {
    if (!this.#session) return true;
    const { uidHash, payload } = this.#session;
    const base = this.#loadedSessions.get(uidHash.toString('hex'))?.base ?? {};
    for (let attempt = 0; attempt < SESSION_RETRIES; attempt += 1) {
      const stored = await this.#store.findSessionByUid(uidHash);
      if (!stored) return false;
      const theirs = this.#open(uidHash, stored.payload, undefined);
      const row = this.#asRow(uidHash, mergeSessions(base, payload, theirs), {
        idHash: stored.idHash,
        base: theirs,
        version: stored.version,
      });
      const { sessionWritten } = await this.#store.apply({
        consumed: [],
        destroyed: [],
        upserted: [],
        session: row,
        destroyedSession: undefined,
        loggedOut: [],
      });
      if (sessionWritten) return true;
    }
    throw new Error('the session changes faster than it can be written');
  }

  /** What was given in a session that ended while it was given: whoever ended it did not see it. */
  async #withdraw(rows: readonly PayloadRow[]): Promise<void> {
    await this.#store.apply({
      consumed: [],
      destroyed: rows.filter(({ model }) => model !== 'Interaction').map(({ idHash }) => idHash),
      upserted: [],
      session: undefined,
      destroyedSession: undefined,
      loggedOut: [],
    });
  }

  #load(stored: StoredSession | undefined): Payload | undefined {
    if (!stored || this.#destroyedSession?.equals(stored.uidHash)) return undefined;
    const base = this.#open(stored.uidHash, stored.payload, undefined);
    this.#loadedSessions.set(stored.uidHash.toString('hex'), {
      uidHash: stored.uidHash,
      idHash: stored.idHash,
      base,
      version: stored.version,
    });
    return structuredClone(base);
  }

  #seal(rowKey: Buffer, payload: Payload): Buffer {
    return this.#keyring.seal(`engine/${rowKey.toString('hex')}`, JSON.stringify(payload));
  }

  #open(rowKey: Buffer, sealed: Buffer, consumedAt: number | undefined): Payload {
    const payload = JSON.parse(this.#keyring.unseal(`engine/${rowKey.toString('hex')}`, sealed)) as Payload;
    return consumedAt === undefined ? payload : { ...payload, consumed: consumedAt };
  }
}
