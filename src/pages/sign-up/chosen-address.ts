/** The proof of an address that the person chose: a code and a link in one mail, either proves it. */
import { findOwnerOfEmail } from '../../accounts/accounts.ts';
import { deliverCode } from '../../credentials/code-delivery.ts';
import type { Deps } from '../../deps.ts';
import { CaduceeError } from '../../errors.ts';
import { clientAddress, type PageContext, type RequestState } from '../../http/context.ts';
import { type Journey, moveJourney } from '../../journeys/journeys.ts';
import type { Fault } from '../../lib/fault.ts';
import { tellOwnerOfAddress } from '../address-owner.ts';
import { addresses } from '../addresses.ts';
import type { ConfirmContext } from './confirm-address.ts';

interface HasChosenAddress {
  readonly chosen?: { readonly address: string; readonly canonical: string };
}

interface Proof<State> {
  /** Stored with the message: the journey as it stands once the address was written to. */
  readonly state: State;
  /** Address of the journey. */
  readonly url: string;
  /** Who asks, as the mail says it. */
  readonly askedBy: string;
  /** The journey's current code went to this same address. */
  readonly again?: boolean;
}

/** An address that belongs to somebody receives a notice instead of a code; the page is the same. */
export async function sendToChosenAddress<State extends HasChosenAddress>(
  deps: Deps,
  ctx: PageContext,
  journey: Journey<State>,
  { state, url, askedBy, again = false }: Proof<State>,
): Promise<Fault | undefined> {
  const { knex, settings } = deps;
  const { chosen } = state;
  if (!chosen) throw new CaduceeError('internal', { detail: 'no address was chosen' });
  const owner = await findOwnerOfEmail(knex, chosen.canonical);
  const { lang } = ctx.state as RequestState;
  const context: ConfirmContext = {
    address: chosen.address,
    journey: { kind: journey.kind, id: ctx.params.journey ?? '', url },
  };
  return deliverCode(
    deps,
    {
      journeyHash: journey.hash,
      purpose: 'address',
      contact: { channel: 'email', to: chosen.address },
      lang,
      source: clientAddress(ctx),
      link: { askedBy, context, url: (token) => `${settings.ISSUER}${addresses.confirmAddress(token)}` },
      silent: owner !== undefined,
      again,
    },
    async (trx) => {
      await moveJourney(trx, deps, journey, state);
      if (owner) await tellOwnerOfAddress(trx, deps, { to: chosen.address, language: owner.language });
    },
  );
}
