/** « Coordonnées »: the proved addresses, what each is used for, and the phones. */
import type Router from '@koa/router';
import type Provider from 'oidc-provider';
import { listDeclaredPhones } from '../../../accounts/accounts.ts';
import { showPhone } from '../../../accounts/contacts.ts';
import { listEmailAddresses } from '../../../accounts/email-addresses.ts';
import type { Deps } from '../../../deps.ts';
import { listPhones } from '../../../factors/phones.ts';
import { type RequestState, renderPage, seeOther } from '../../../http/context.ts';
import { takeNotice } from '../../../http/notice.ts';
import { findSignedIn, type SignedIn } from '../../../http/session.ts';
import { addresses, signInAgainFor } from '../../addresses.ts';
import { signedInContext } from '../../signed-in.ts';
import { phonesOpenTo } from '../strong-authentication/phones.ts';
import { listUses } from './uses.ts';

export function contactsRoutes(router: Router<RequestState>, deps: Deps, provider: Provider): void {
  const { knex } = deps;

  /** Of a person all, with what may be done with each; of a member their own, and the starred one of the account. */
  async function emailsOf(signedIn: SignedIn) {
    const { account, member } = signedIn;
    const emails = await listEmailAddresses(knex, account.id);
    const uses = await listUses(deps, signedIn);
    return emails
      .filter(({ memberId, isNotification }) => !member || memberId === member.id || isNotification)
      .map(({ id, address, memberId, isNotification, isSignIn }) => {
        const isOwn = memberId === member?.id;
        return {
          address,
          isNotification,
          isSignIn: member ? isOwn : isSignIn,
          isColleagues: !isOwn,
          applications: uses.filter(({ emailId }) => emailId === id).map(({ name }) => name),
          usesUrl: member ? undefined : addresses.emailUses(id),
          removeUrl: member || isSignIn ? undefined : addresses.emailRemoval(id),
          changeUrl: member && isOwn ? addresses.signInEmail : undefined,
        };
      });
  }

  router.get(addresses.contacts, async (ctx) => {
    const signedIn = await findSignedIn(deps, provider, ctx);
    if (!signedIn) return seeOther(ctx, signInAgainFor('coordonnees'));
    const { account, member } = signedIn;
    const phones = await listPhones(knex, signedIn);
    const declared = await listDeclaredPhones(knex, account.id);
    renderPage(deps, ctx, 'my-account/contacts/contacts.njk', {
      ...signedInContext(signedIn),
      alert: takeNotice(ctx),
      emails: await emailsOf(signedIn),
      additionUrl: member ? undefined : addresses.emailAddition,
      phones: phones.map(({ number }) => showPhone(number)),
      declaredPhones: declared.map((number) => ({ number, shown: showPhone(number) })),
      proveAction: phonesOpenTo(deps, signedIn) ? addresses.phones : undefined,
      phonesUrl: addresses.phones,
    });
  });
}
