/**
 * Sign-in: the pages behind an interaction of the engine, from its door to the password; each further step has a file of its
 * own. All addresses stay under the interaction's, which is where its cookie is sent.
 */
import type Router from '@koa/router';
import type Provider from 'oidc-provider';
import { parseEmailAddress } from '../../accounts/contacts.ts';
import type { Principal } from '../../accounts/principals.ts';
import { maySignIn } from '../../accounts/states.ts';
import type { Deps } from '../../deps.ts';
import { clientAddress, type RequestState, seeOther } from '../../http/context.ts';
import { deviceTokenOf } from '../../http/device-cookie.ts';
import { fieldsOf, parseForm, verifyForm } from '../../http/forms.ts';
import { takeNotice } from '../../http/notice.ts';
import { findSignedIn } from '../../http/session.ts';
import type { Fault } from '../../lib/fault.ts';
import { ACR, isDemanded } from '../../openid/assurance.ts';
import { OWN_CLIENT_ID } from '../../openid/provider.ts';
import { findReturn } from '../addresses.ts';
import { takeProposedEmail } from '../proposed-email.ts';
import { applicationSteps } from './application.ts';
import { choiceRoutes } from './choice.ts';
import { codeRoutes } from './code.ts';
import { consentRoutes, showConsent } from './consent.ts';
import { signInFrame } from './frame.ts';
import type { Interaction } from './interaction.ts';
import { mustConfirm, mustStepUp, passwordPage } from './pages.ts';
import { passkeyOffer, passkeyRoutes } from './passkey.ts';
import { authenticate } from './password.ts';
import { recoveryCodeRoutes } from './recovery-code.ts';
import { refusalOf } from './refusal.ts';
import { reopenRoutes } from './reopen.ts';
import { totpRoutes } from './totp.ts';
import { passByTrustedDevice } from './trusted-device.ts';
import { showUnmet, unmetRoutes } from './unmet.ts';

export function signInRoutes(router: Router<RequestState>, deps: Deps, provider: Provider): void {
  const frame = signInFrame(deps, provider);
  const showPassword = passwordPage(deps, (ctx, interaction) => passkeyOffer(deps, ctx, interaction));
  const application = applicationSteps(router, deps, provider, frame.enter);

  /** Whether the person signs in, but never as the application demands. */
  const isShortOf = (principal: Principal, interaction: Interaction): boolean =>
    isDemanded(interaction.asked) && frame.choicesIn(principal, interaction).length === 0;

  router.get('/connexion', async (ctx) => {
    const url = new URL('/authorize', deps.settings.ISSUER);
    const { vers, pour } = ctx.query;
    const [again, strong] = [vers, pour].map((page) => (findReturn(page) ? String(page) : undefined));
    const page = again ?? strong;
    url.search = new URLSearchParams({
      client_id: OWN_CLIENT_ID,
      response_type: 'none',
      scope: 'openid',
      redirect_uri: `${deps.settings.ISSUER}/retour`,
      ...(page && { state: page }),
      // OpenID Connect Core §3.1.2.1: asks again, although there is a session.
      ...(again && { prompt: 'login' }),
      ...(strong && { acr_values: ACR.twoFactors }),
    }).toString();
    seeOther(ctx, url.href);
  });

  router.get('/connexion/:uid', async (ctx) => {
    const interaction = await frame.enter(ctx);
    if (interaction.prompt === 'consent') return showConsent(deps, ctx, interaction);
    if (await application.show(ctx, interaction)) return;
    // Signed in meanwhile, in another tab: the engine looks at the request afresh, every other check included.
    if (interaction.reasons.join() === 'no_session' && (await findSignedIn(deps, provider, ctx))) {
      const again = await provider.interactionResult(
        ctx.req,
        ctx.res,
        {},
        { mergeWithLastSubmission: false },
      );
      return seeOther(ctx, again);
    }
    const signedIn = mustConfirm(ctx, interaction) ? await findSignedIn(deps, provider, ctx) : undefined;
    if (signedIn && mustStepUp(ctx, interaction)) {
      if (isShortOf(signedIn, interaction)) return showUnmet(deps, ctx, interaction, signedIn);
      return frame.beginStepUp(ctx, interaction, signedIn);
    }
    const known = await frame.findState(ctx, interaction.uid);
    const hint = interaction.params.login_hint;
    const hinted = typeof hint === 'string' ? hint : undefined;
    const proposed = takeProposedEmail(deps, ctx);
    const email = known?.state.email ?? hinted ?? signedIn?.email ?? proposed ?? '';
    const alert = takeNotice(ctx);
    await showPassword(ctx, interaction, { email, ...(alert && { alert }) });
  });

  router.post('/connexion/:uid', parseForm, verifyForm(deps), async (ctx) => {
    const interaction = await frame.enter(ctx);
    const fields = fieldsOf(ctx);
    const email = fields.email ?? '';
    const password = fields.password ?? '';
    const errors: Record<string, Fault> = {};
    const address = parseEmailAddress(email);
    if (email.trim() === '') errors.email = { key: 'fault.required.email' };
    else if (!address.ok) errors.email = address.fault;
    if (password === '') errors.password = { key: 'fault.required.currentPassword' };
    if (!address.ok || Object.keys(errors).length > 0)
      return showPassword(ctx, interaction, { email, errors });

    const principal = await authenticate(deps, {
      canonical: address.value.canonical,
      password,
      source: clientAddress(ctx),
      deviceToken: deviceTokenOf(deps, ctx),
    });
    if (!('id' in principal))
      return showPassword(ctx, interaction, { email, alert: { kind: 'refusal', ...principal } });
    const { account } = principal;
    if (!maySignIn(deps.clock, account))
      return showPassword(ctx, interaction, { email, alert: refusalOf(deps, account.state) });
    if (isShortOf(principal, interaction)) return showUnmet(deps, ctx, interaction, principal);
    if (frame.choicesIn(principal, interaction).length === 0)
      return showPassword(ctx, interaction, { email, alert: refusalOf(deps, 'noFactor') });
    if (await passByTrustedDevice(deps, frame, ctx, interaction, principal)) return;
    const refused = await frame.begin(ctx, interaction, { principal, email });
    if (refused) await showPassword(ctx, interaction, { email, alert: { kind: 'refusal', ...refused } });
  });

  choiceRoutes(router, deps, frame);
  codeRoutes(router, deps, frame);
  passkeyRoutes(router, deps, frame, showPassword);
  totpRoutes(router, deps, frame);
  recoveryCodeRoutes(router, deps, frame);
  reopenRoutes(router, deps, frame);
  consentRoutes(router, deps, provider, frame.enter);
  unmetRoutes(router, deps, provider, frame.enter);
}
