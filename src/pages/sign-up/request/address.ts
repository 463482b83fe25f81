/** The address of a sign-up: sent a code, or, when it belongs to somebody already, told so by mail alone. */
import { findOwnerOfEmail } from '../../../accounts/accounts.ts';
import { deliverCode } from '../../../credentials/code-delivery.ts';
import type { Deps } from '../../../deps.ts';
import { CaduceeError } from '../../../errors.ts';
import { clientAddress, type PageContext, type RequestState } from '../../../http/context.ts';
import { type Journey, moveJourney } from '../../../journeys/journeys.ts';
import type { Fault } from '../../../lib/fault.ts';
import { enqueueMessage } from '../../../messages/outbox.ts';
import { addresses } from '../../addresses.ts';
import type { RequestState as Request } from './steps.ts';

/** Sends what proves the chosen address, and stores `state`. The page is the same whether the address has an owner or not. */
export async function sendAddressCode(
  deps: Deps,
  ctx: PageContext,
  journey: Journey<Request>,
  state: Request,
): Promise<Fault | undefined> {
  const { knex, settings } = deps;
  const { chosen } = state;
  if (!chosen) throw new CaduceeError('internal', { detail: 'no address was chosen' });
  const owner = await findOwnerOfEmail(knex, chosen.canonical);
  const { lang } = ctx.state as RequestState;
  return deliverCode(
    deps,
    {
      journeyHash: journey.hash,
      purpose: 'address',
      contact: { channel: 'email', to: chosen.address },
      lang,
      source: clientAddress(ctx),
      silent: owner !== undefined,
    },
    async (trx) => {
      await moveJourney<Request>(trx, deps, journey, state);
      if (!owner) return;
      await enqueueMessage(trx, deps, {
        channel: 'email',
        template: 'address-already-used',
        to: chosen.address,
        lang,
        params: {
          signInUrl: `${settings.ISSUER}${addresses.signIn}`,
          passwordForgottenUrl: `${settings.ISSUER}${addresses.passwordForgotten}`,
        },
      });
    },
  );
}
