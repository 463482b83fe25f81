/** The last step: the account, or the page to go on from when somebody else has the number or the address by now. */
import { DuplicateAccountError } from '../../../accounts/accounts.ts';
import type { Deps } from '../../../deps.ts';
import { clientAddress, type PageContext, seeOther } from '../../../http/context.ts';
import { type Journey, moveJourney } from '../../../journeys/journeys.ts';
import type { Db } from '../../../lib/database.ts';
import { langOf } from '../journey.ts';
import { openOrdreAccount } from './account.ts';
import { showIdentify } from './identify.ts';
import type { OrdrePages } from './pages.ts';
import type { OrdreJourneyState, OrdreState } from './steps.ts';

/** @param stillDue see {@link openOrdreAccount}. */
export async function finish(
  deps: Deps,
  ctx: PageContext,
  { base, show }: OrdrePages,
  journey: Journey<OrdreState>,
  { passwordHash, address, canonical }: { address: string; canonical: string; passwordHash: string },
  stillDue?: (trx: Db) => Promise<boolean>,
): Promise<void> {
  const email = { address, canonical };
  const opening = { journey, email, passwordHash, lang: langOf(ctx), source: clientAddress(ctx) };
  try {
    await openOrdreAccount(deps, opening, stillDue);
  } catch (error) {
    if (!(error instanceof DuplicateAccountError)) throw error;
    const { chosen: _, notice: __, ...withoutAddress } = journey.state;
    const { interaction, application } = withoutAddress;
    if (error.field === 'rpps')
      return showIdentify(deps, ctx, { refusal: 'account-exists', interaction, application });
    const another: OrdreState = { ...withoutAddress, mustChooseAddress: true };
    await moveJourney<OrdreJourneyState>(deps.knex, deps, journey, another);
    return show(ctx, another, { errors: { email: { key: 'fault.email.taken' } } });
  }
  seeOther(ctx, base(ctx));
}
