/** The end of the journey: an account whose identity the Order's data and contact proved. */
import { createAccount } from '../../../accounts/accounts.ts';
import { TERMS } from '../../../accounts/terms.ts';
import { record } from '../../../audit/journal.ts';
import { addressLink, maskContact } from '../../../credentials/code-delivery.ts';
import { deleteCodes } from '../../../credentials/one-time-codes.ts';
import { deleteLink } from '../../../credentials/one-time-links.ts';
import type { Deps } from '../../../deps.ts';
import type { Lang } from '../../../http/texts.ts';
import { type Journey, moveJourney } from '../../../journeys/journeys.ts';
import { dayInParis } from '../../../lib/clock.ts';
import type { Db } from '../../../lib/database.ts';
import { enqueueMessage } from '../../../messages/outbox.ts';
import { addresses } from '../../addresses.ts';
import type { OrdreJourneyState, OrdreState } from './steps.ts';

interface Opening {
  readonly journey: Journey<OrdreState>;
  /** A proved address. */
  readonly email: { readonly address: string; readonly canonical: string };
  readonly passwordHash: string;
  readonly lang: Lang;
  /** Client address. */
  readonly source: string;
}

/**
 * Makes the account, its journal entry, its mail and the end of the journey, all or nothing.
 * @param stillDue runs first in the transaction; false opens nothing (the code was used by another request).
 * @throws {DuplicateAccountError} when the RPPS number or the address has an account by now.
 */
export async function openOrdreAccount(
  deps: Deps,
  { journey, email, passwordHash, lang, source }: Opening,
  stillDue: (trx: Db) => Promise<boolean> = async () => true,
): Promise<void> {
  const { knex, clock, settings } = deps;
  const { entry, contact, interaction, application } = journey.state;
  await knex.transaction(async (trx) => {
    if (!(await stillDue(trx))) return;
    // First, because it takes the journey's row: of two clicks on « Créer », one makes the account.
    await moveJourney<OrdreJourneyState>(trx, deps, journey, {
      step: 'done',
      email: email.address,
      interaction,
      application,
    });
    const accountId = await createAccount(trx, clock, {
      kind: 'professional',
      state: 'active',
      rpps: entry.rpps,
      professionCode: entry.professionCode,
      civiliteCode: entry.civiliteCode,
      civiliteExerciceCode: entry.civiliteExerciceCode,
      familyName: entry.familyName,
      givenName: entry.givenName,
      identityProof: 'ordinal-register',
      passwordHash,
      termsVersion: TERMS.version,
      language: lang,
      emails: [email],
      phones: contact?.channel === 'sms' ? [contact.to] : [],
    });
    await deleteCodes(trx, journey.hash);
    await deleteLink(trx, addressLink(deps, journey.hash, email.canonical));
    await enqueueMessage(trx, deps, {
      channel: 'email',
      template: 'account-created',
      to: email.address,
      lang,
      params: {
        givenName: entry.givenName,
        email: email.address,
        signInUrl: `${settings.ISSUER}${addresses.signIn}`,
        proved: contact && {
          on: dayInParis(clock.now()),
          rpps: entry.rpps,
          channel: contact.channel,
          masked: maskContact(contact),
        },
      },
    });
    await record(trx, clock, {
      event: 'account.created',
      outcome: 'success',
      actor: accountId,
      subject: accountId,
      source,
      details: {
        rpps: entry.rpps,
        proof: 'ordinal-register',
        channel: contact?.channel,
        terms: TERMS.version,
      },
    });
  });
}
