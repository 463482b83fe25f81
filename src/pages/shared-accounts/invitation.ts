/**
 * The way in for who is invited: the page of the link, which a press opens into a journey of this browser, then the form
 * that makes the member. The link serves until then, so a form left half-way may be opened again from the mail.
 */
import type Router from '@koa/router';
import { DuplicateAccountError } from '../../accounts/accounts.ts';
import { parsePersonName } from '../../accounts/names.ts';
import { TERMS } from '../../accounts/terms.ts';
import { judgePassword } from '../../credentials/password-policy.ts';
import type { Deps } from '../../deps.ts';
import {
  clientAddress,
  type PageContext,
  type RequestState,
  renderPage,
  seeOther,
} from '../../http/context.ts';
import { browserOf, ensureBrowser, type Fields, fieldsOf, parseForm, verifyForm } from '../../http/forms.ts';
import { acceptInvitation, type Invitation, peekInvitation } from '../../invitations/invitations.ts';
import {
  findJourney,
  JOURNEY_IDLE_MINUTES,
  type Journey,
  moveJourney,
  startJourney,
} from '../../journeys/journeys.ts';
import type { Fault } from '../../lib/fault.ts';
import { randomToken } from '../../lib/ids.ts';
import { offered } from '../../nomenclatures/nomenclatures.ts';
import { addresses } from '../addresses.ts';

type JoinState =
  | { readonly step: 'under-way'; readonly invitation: Invitation }
  | { readonly step: 'done'; readonly title: string; readonly email: string };
type Ended = 'none' | 'used' | 'expired' | 'idle' | 'meanwhile';

/** The invitation ended while the form was filled: nothing of this request stays. */
class InvitationEndedError extends Error {
  override name = 'InvitationEndedError';
}

export function invitationRoutes(router: Router<RequestState>, deps: Deps): void {
  const { knex, hasher } = deps;
  const form = [parseForm, verifyForm(deps)] as const;
  const base = (ctx: PageContext) => addresses.invitationJourney(ctx.params.journey ?? '');

  function showEnded(ctx: PageContext, endedKind: Ended): void {
    ctx.status = 410;
    const context = { endedKind, path: '/', signInUrl: addresses.signIn };
    renderPage(deps, ctx, 'shared-accounts/invitation-ended.njk', context);
  }

  const findJoin = (ctx: PageContext) =>
    findJourney<JoinState>(knex, deps, {
      kind: 'invitation',
      id: ctx.params.journey ?? '',
      browser: browserOf(deps, ctx),
    });

  function showForm(
    ctx: PageContext,
    { title, inviter, address }: Invitation,
    { values = {}, errors = {} }: { values?: Fields; errors?: Record<string, Fault> } = {},
  ): void {
    if (Object.keys(errors).length > 0) ctx.status = 422;
    ctx.set('Refresh', `${JOURNEY_IDLE_MINUTES * 60}; url=${base(ctx)}`);
    renderPage(deps, ctx, 'shared-accounts/join.njk', {
      path: base(ctx),
      action: base(ctx),
      title,
      inviter,
      email: address,
      civilites: offered('civilites'),
      termsUrl: addresses.terms,
      values,
      errors,
    });
  }

  router.get('/invitation/acceptee/:journey', async (ctx) => {
    const journey = await findJoin(ctx);
    if (!journey) return showEnded(ctx, 'idle');
    const { state } = journey;
    if (state.step === 'under-way') return showForm(ctx, state.invitation);
    const { title, email } = state;
    renderPage(deps, ctx, 'shared-accounts/joined.njk', { title, email, signInUrl: addresses.signIn });
  });

  router.post('/invitation/acceptee/:journey', ...form, async (ctx) => {
    const journey = await findJoin(ctx);
    if (!journey) return showEnded(ctx, 'idle');
    if (journey.state.step === 'done') return seeOther(ctx, base(ctx));
    const { invitation } = journey.state;
    const { password = '', passwordConfirmation: _, ...values } = fieldsOf(ctx);
    const answer = readForm(fieldsOf(ctx), invitation);
    if ('errors' in answer) return showForm(ctx, invitation, { values, errors: answer.errors });
    const member = {
      ...answer,
      passwordHash: await hasher.hash(password),
      termsVersion: TERMS.version,
      language: (ctx.state as RequestState).lang,
    };
    try {
      await join(ctx, journey, invitation, member);
    } catch (error) {
      if (error instanceof InvitationEndedError) return showEnded(ctx, 'meanwhile');
      if (!(error instanceof DuplicateAccountError)) throw error;
      return showForm(ctx, invitation, { values, errors: { form: { key: 'fault.email.taken' } } });
    }
    seeOther(ctx, base(ctx));
  });

  const join = (
    ctx: PageContext,
    journey: Journey<JoinState>,
    invitation: Invitation,
    member: Parameters<typeof acceptInvitation>[3],
  ) =>
    knex.transaction(async (trx) => {
      const { title, address } = invitation;
      await moveJourney<JoinState>(trx, deps, journey, { step: 'done', title, email: address });
      if (!(await acceptInvitation(trx, deps, invitation, member, clientAddress(ctx))))
        throw new InvitationEndedError('the invitation was used, revoked or replaced');
    });

  router.get('/invitation/:token', async (ctx) => {
    const token = ctx.params.token ?? '';
    const invitation = await peekInvitation(knex, deps, token);
    if (typeof invitation === 'string') return showEnded(ctx, invitation);
    const { title, inviter, address } = invitation;
    renderPage(deps, ctx, 'shared-accounts/invitation.njk', {
      action: addresses.invitation(token),
      title,
      inviter,
      email: address,
    });
  });

  router.post('/invitation/:token', ...form, async (ctx) => {
    const invitation = await peekInvitation(knex, deps, ctx.params.token ?? '');
    if (typeof invitation === 'string') return showEnded(ctx, invitation);
    const id = randomToken();
    await startJourney<JoinState>(knex, deps, {
      kind: 'invitation',
      id,
      browser: ensureBrowser(deps, ctx),
      state: { step: 'under-way', invitation },
    });
    seeOther(ctx, addresses.invitationJourney(id));
  });
}

/** @returns who joins, or every fault at once, each beside its field. */
function readForm(
  fields: Fields,
  { address, title }: Invitation,
):
  | { civiliteCode: string; familyName: string; givenName: string }
  | { errors: Readonly<Record<string, Fault>> } {
  const { password = '', passwordConfirmation = '', terms } = fields;
  const civiliteCode = offered('civilites').find(({ code }) => code === fields.civilite)?.code;
  const givenName = parsePersonName(fields.givenName ?? '', 'givenName');
  const familyName = parsePersonName(fields.familyName ?? '', 'familyName');
  const personal = [fields.givenName ?? '', fields.familyName ?? '', address, title];
  const judged = judgePassword(password, { personal });
  const errors: Record<string, Fault> = {};
  if (!civiliteCode) errors.civilite = { key: 'fault.required.civilite' };
  if (!familyName.ok) errors.familyName = familyName.fault;
  if (!givenName.ok) errors.givenName = givenName.fault;
  if (!judged.ok) errors.password = judged.fault;
  if (passwordConfirmation === '')
    errors.passwordConfirmation = { key: 'fault.required.passwordConfirmation' };
  else if (judged.ok && passwordConfirmation !== password)
    errors.passwordConfirmation = { key: 'fault.password.mismatch' };
  if (!terms) errors.terms = { key: 'fault.required.terms' };
  if (!civiliteCode || !givenName.ok || !familyName.ok || Object.keys(errors).length > 0) return { errors };
  return { civiliteCode, givenName: givenName.value, familyName: familyName.value };
}
