/**
 * Caducée as production runs it, one node in this process, and one address more: a sign-in without a question, so that
 * the engine's part of a sign-in can be measured without the password and the code.
 */
import { once } from 'node:events';
import { createServer } from 'node:http';
import { readSettings } from '../../config/settings.ts';
import { createAccount } from '../../src/accounts/accounts.ts';
import { parseEmailAddress } from '../../src/accounts/contacts.ts';
import { findSignInByEmail } from '../../src/accounts/principals.ts';
import { createApp } from '../../src/app.ts';
import { saveApplication } from '../../src/applications/applications.ts';
import { createDeps, type Deps } from '../../src/deps.ts';
import { startJobs } from '../../src/jobs.ts';
import { migrateUp } from '../../src/lib/database.ts';
import { assuranceOf } from '../../src/openid/assurance.ts';
import { loop } from '../support/load.ts';
import { serveAsker } from '../support/server-process.ts';
import { APPLICATION, CLIENT_SECRET, emailOf, PASSWORD, PEOPLE, WITHOUT_QUESTION } from './subject.ts';

const settings = readSettings(process.env);
const deps = createDeps(settings);
const { knex, clock, hasher } = deps;

/** One account for each person; a start that was tried before may have made them. */
async function createPeople({ knex, clock }: Deps, passwordHash: string): Promise<string[]> {
  const ids: string[] = [];
  for (let person = 0; person < PEOPLE; person += 1) {
    const email = parseEmailAddress(emailOf(person));
    if (!email.ok) throw new Error('unusable address');
    const known = await findSignInByEmail(knex, email.value.canonical);
    const id =
      known?.account.id ??
      (await createAccount(knex, clock, {
        kind: 'professional',
        state: 'active',
        familyName: 'DOC0091000',
        givenName: 'Ange',
        identityProof: 'declared',
        passwordHash,
        termsVersion: 'bench',
        emails: [email.value],
        phones: [],
      }));
    ids.push(id);
  }
  return ids;
}

await migrateUp(knex, deps.pool);
await saveApplication(knex, clock, APPLICATION, CLIENT_SECRET);
const passwordHash = await hasher.hash(PASSWORD);
const people = await createPeople(deps, passwordHash);

const { app, provider, listener } = await createApp(deps);
app.use(async (ctx, next) => {
  if (ctx.method !== 'POST' || !WITHOUT_QUESTION.test(ctx.path)) return next();
  const accountId = people[Number(ctx.query.person) % PEOPLE] as string;
  const ts = Math.floor(clock.now().getTime() / 1_000);
  const login = { accountId, ...assuranceOf('email'), remember: false, ts };
  ctx.status = 303;
  ctx.redirect(
    await provider.interactionResult(ctx.req, ctx.res, { login }, { mergeWithLastSubmission: false }),
  );
});
const jobs = await startJobs(deps, provider);
const server = createServer(listener);
server.listen(settings.PORT, settings.HOST);
await once(server, 'listening');

serveAsker(
  {
    /** Hashes a second, when nothing else is done. */
    async hashes(seconds: number) {
      const load = await loop({ connections: settings.HASH_CONCURRENCY, seconds }, () =>
        hasher.verify(passwordHash, PASSWORD),
      );
      return load;
    },
  },
  async () => {
    server.closeAllConnections();
    await jobs.stop().catch(() => undefined);
    await deps.close();
  },
);
