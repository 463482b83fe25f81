/** The end of the journey: a pending account, its place in the queue of approvals, and the mails that follow. */
import {
  createAccount,
  DuplicateAccountError,
  findOwnerOfRpps,
  saveDeclaredPhones,
} from '../../../accounts/accounts.ts';
import { parsePhoneNumber } from '../../../accounts/contacts.ts';
import { languageOf } from '../../../accounts/language.ts';
import { createSharedAccount } from '../../../accounts/members.ts';
import { TERMS } from '../../../accounts/terms.ts';
import { submitSignUp } from '../../../approvals/approvals.ts';
import { record } from '../../../audit/journal.ts';
import { deleteCodes } from '../../../credentials/one-time-codes.ts';
import type { Deps } from '../../../deps.ts';
import { CaduceeError } from '../../../errors.ts';
import { clientAddress, type PageContext, type RequestState } from '../../../http/context.ts';
import type { Fields } from '../../../http/forms.ts';
import type { Lang } from '../../../http/texts.ts';
import { type Journey, moveJourney } from '../../../journeys/journeys.ts';
import type { Db } from '../../../lib/database.ts';
import type { Fault } from '../../../lib/fault.ts';
import { enqueueMessage } from '../../../messages/outbox.ts';
import { throttleRules } from '../../../throttle/throttle.ts';
import { setAccountWorkplaces, UnknownChoiceError } from '../../../workplaces/account-workplaces.ts';
import { findWorkplaces } from '../../../workplaces/workplaces.ts';
import { addresses } from '../../addresses.ts';
import { hashNewPassword, newPasswordFaults } from '../../new-password.ts';
import { personalWords, type RequestState as Request, type RequestDone } from './steps.ts';

const MAX_PHONES = 5;

interface Credentials {
  readonly password: string;
  /** E.164; declared, not proved. */
  readonly phones: readonly string[];
}

/** Words that a password of who asks must not be made of, those of their workplaces included. */
export async function findPersonalWords({ knex }: Pick<Deps, 'knex'>, state: Request): Promise<string[]> {
  const ids = state.workplaces?.map(({ workplaceId }) => workplaceId) ?? [];
  const places = await findWorkplaces(knex, ids);
  return personalWords(
    state,
    places.flatMap(({ name, town }) => [name, town ?? '']),
  );
}

/** Faults beside their fields: `password`, `passwordConfirmation`, `phones`, `terms`. */
export function readCredentials(
  personal: string[],
  fields: Fields,
): { ok: true; value: Credentials } | { ok: false; errors: Record<string, Fault> } {
  const errors = newPasswordFaults(fields, personal);
  const typed = (fields.phones ?? '').split(/[,;\r\n]+/u).filter((text) => text.trim() !== '');
  const phones: string[] = [];
  // Counted before they are read: reading one is slow.
  for (const text of typed.slice(0, MAX_PHONES)) {
    const phone = parsePhoneNumber(text);
    if (!phone.ok) errors.phones ??= phone.fault;
    else if (!phones.includes(phone.value)) phones.push(phone.value);
  }
  if (typed.length > MAX_PHONES) errors.phones = { key: 'fault.phone.tooMany', vars: { max: MAX_PHONES } };
  if (!fields.terms) errors.terms = { key: 'fault.required.terms' };
  if (Object.keys(errors).length > 0) {
    // It never comes back with the form.
    if (fields.password && !errors.password && !errors.passwordConfirmation)
      return { ok: false, errors: { password: { key: 'fault.password.again' }, ...errors } };
    return { ok: false, errors };
  }
  return { ok: true, value: { password: fields.password ?? '', phones } };
}

/** Tells the owner of an account that somebody declared its RPPS number; the page of the sign-up says nothing of it. */
async function warnOwnerOfRpps(trx: Db, deps: Deps, rpps: string): Promise<void> {
  const owner = await findOwnerOfRpps(trx, rpps);
  if (!owner || !(await deps.throttle.consume(throttleRules.rppsNoticePerRpps, rpps)).allowed) return;
  await enqueueMessage(trx, deps, {
    channel: 'email',
    template: 'rpps-already-used',
    to: owner.notificationEmail,
    lang: await languageOf(trx, { accountId: owner.id }),
    params: {
      signInUrl: `${deps.settings.ISSUER}${addresses.signIn}`,
      passwordForgottenUrl: `${deps.settings.ISSUER}${addresses.passwordForgotten}`,
      supportEmail: deps.settings.SUPPORT_EMAIL,
    },
  });
}

/** Makes the account and its journal entry. @returns its identifier. */
async function createRequestedAccount(
  trx: Db,
  deps: Deps,
  { identity, chosen, kind }: Request,
  passwordHash: string,
  language: Lang,
  source: string,
): Promise<string> {
  if (!chosen) throw new CaduceeError('internal', { detail: 'no address was proved' });
  const { sharedTitle, responsibleRpps, professionCode, civiliteCode, familyName, givenName, rpps } =
    identity;
  const person = { civiliteCode, familyName, givenName, passwordHash, termsVersion: TERMS.version, language };
  if (sharedTitle !== undefined) {
    const firstMember = { ...person, email: chosen };
    const shared = { title: sharedTitle, firstMember, responsibleRpps, source };
    return (await createSharedAccount(trx, deps, shared)).accountId;
  }
  const accountId = await createAccount(trx, deps.clock, {
    ...person,
    kind: kind === 'doctor' ? 'professional' : 'secretary',
    state: 'pending',
    rpps,
    professionCode,
    identityProof: 'declared',
    emails: [chosen],
    phones: [],
  });
  await record(trx, deps.clock, {
    event: 'account.created',
    outcome: 'success',
    actor: accountId,
    subject: accountId,
    source,
    details: { kind, proof: 'declared', rpps, terms: TERMS.version },
  });
  return accountId;
}

/**
 * Makes the account, its workplaces, its queue row, its journal entry and its mails, all or nothing.
 * @returns the state to go on from when it was not made: somebody else proved the address first, or a place is gone.
 */
export async function openRequestedAccount(
  deps: Deps,
  ctx: PageContext,
  journey: Journey<Request>,
  { password, phones }: Credentials,
): Promise<{ ok: true } | { ok: false; state: Request; errors: Record<string, Fault> }> {
  const { knex } = deps;
  const { state } = journey;
  const { lang } = ctx.state as RequestState;
  const source = clientAddress(ctx);
  const hashed = await hashNewPassword(deps, journey.hash, password);
  if (!hashed.ok) return { ok: false, state, errors: { password: hashed.fault } };
  try {
    await knex.transaction(async (trx) => {
      // First, because it takes the journey's row: of two clicks on « Valider », one makes the account.
      const done: RequestDone = { step: 'done', kind: state.kind };
      await moveJourney<Request | RequestDone>(trx, deps, journey, done);
      const accountId = await createRequestedAccount(trx, deps, state, hashed.hash, lang, source);
      await saveDeclaredPhones(trx, accountId, phones);
      const places = state.workplaces ?? [];
      await setAccountWorkplaces(
        trx,
        accountId,
        places.map(({ workplaceId, centreId }) => ({ workplaceId, centreId })),
      );
      await deleteCodes(trx, journey.hash);
      if (state.identity.rpps) await warnOwnerOfRpps(trx, deps, state.identity.rpps);
      await submitSignUp(trx, deps, { accountId, source });
    });
  } catch (error) {
    if (error instanceof UnknownChoiceError) {
      const { workplaces, centresChosen: _, ...before } = state;
      const again = { ...before, suggested: workplaces?.map(({ workplaceId }) => workplaceId) ?? [] };
      await moveJourney<Request>(knex, deps, journey, again);
      return { ok: false, state: again, errors: { query: { key: 'fault.workplace.gone' } } };
    }
    if (!(error instanceof DuplicateAccountError) || error.field !== 'email') throw error;
    const { chosen: _, addressProved: __, ...withoutAddress } = state;
    await moveJourney<Request>(knex, deps, journey, withoutAddress);
    return { ok: false, state: withoutAddress, errors: { email: { key: 'fault.email.taken' } } };
  }
  return { ok: true };
}
