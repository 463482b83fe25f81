/**
 * The first form of a doctor: the same five fields search the national directory, are filled from one of its lines, or
 * are typed by hand.
 */
import type Router from '@koa/router';
import type Provider from 'oidc-provider';
import type { Deps } from '../../../deps.ts';
import { fold } from '../../../directories/fold.ts';
import {
  type DirectoryHit,
  findDirectoryPerson,
  searchDirectory,
} from '../../../directories/national-directory.ts';
import {
  clientAddress,
  type PageContext,
  type RequestState,
  renderPage,
  seeOther,
} from '../../../http/context.ts';
import { browserOf, type Fields, fieldsOf, parseForm, verifyForm } from '../../../http/forms.ts';
import type { Db } from '../../../lib/database.ts';
import type { Fault } from '../../../lib/fault.ts';
import { isOffered, labelOf, MEDECIN } from '../../../nomenclatures/nomenclatures.ts';
import { throttledFault, throttleRules } from '../../../throttle/throttle.ts';
import { workplacesOfDirectoryPerson } from '../../../workplaces/directory-places.ts';
import { addresses } from '../../addresses.ts';
import { findDestination } from '../../sign-in/interaction.ts';
import { erasedAlert, eraseLater } from '../first-form.ts';
import { interactionOf } from '../interaction.ts';
import { beginRequest, findBegun } from './begin.ts';
import { civiliteOptions, professionOptions, readIdentity } from './identity.ts';
import type { RequestState as Request } from './steps.ts';

const MIN_SEARCH_LETTERS = 3;
const MAX_RESULTS = 20;
/** In the order of the page. `person` is the line chosen, as {@link Line.choice}. */
const FIELDS = ['familyName', 'givenName', 'rpps', 'person', 'manual', 'profession', 'civilite'] as const;

type Values = Partial<Record<(typeof FIELDS)[number], string>>;
type Faults = Record<string, Fault>;

interface Line {
  /** Profession and person: who has two professions has two lines. */
  readonly choice: string;
  readonly name: string;
  readonly profession: string;
  readonly speciality: string | undefined;
  readonly town: string | undefined;
  readonly rpps: string | undefined;
}

type Results = { readonly lines: readonly Line[]; readonly isCut: boolean } | { readonly fault: Fault };

const asLine = (hit: DirectoryHit): Line => ({
  choice: `${hit.professionCode} ${hit.id}`,
  name: `${hit.familyName} ${hit.givenName}`,
  profession: labelOf('professions', hit.professionCode) ?? hit.profession,
  speciality: hit.savoirFaire,
  town: hit.town,
  rpps: hit.rpps,
});

const typedValues = (fields: Fields): Values =>
  Object.fromEntries(FIELDS.map((name) => [name, fields[name] ?? '']));

/** What a line of the directory says, in the form's fields; undefined when it is no longer there. */
async function valuesOfChoice(db: Db, choice: string): Promise<Values | undefined> {
  const [, professionCode, id = ''] = /^(\S+) (.+)$/.exec(choice) ?? [];
  const person = await findDirectoryPerson(db, id);
  const exercise = person?.exercises.find((one) => one.professionCode === professionCode);
  if (!person || !exercise) return undefined;
  const civilite = person.civiliteCode ?? '';
  return {
    person: choice,
    rpps: person.rpps ?? '',
    familyName: exercise.familyName,
    givenName: exercise.givenName,
    profession: isOffered('professions', exercise.professionCode) ? exercise.professionCode : '',
    civilite: isOffered('civilites', civilite) ? civilite : '',
  };
}

/** Counts one reading of the directory, whether it searches it or asks for one line. */
async function readRefused({ throttle }: Deps, ctx: PageContext): Promise<Fault | undefined> {
  const verdict = await throttle.consume(throttleRules.directorySearchPerSource, clientAddress(ctx));
  return verdict.allowed ? undefined : throttledFault(verdict.retryAfterSeconds);
}

/** Whether the form still says what the line says: who edits a line is somebody that the directory does not know. */
const isUnchanged = (line: Values, typed: Values): boolean =>
  (['familyName', 'givenName'] as const).every(
    (name) => fold(line[name] ?? '') === fold(typed[name] ?? ''),
  ) &&
  line.rpps === (typed.rpps ?? '').replace(/\D/g, '') &&
  (!line.profession || line.profession === typed.profession);

const nationalIdOf = (choice: string): string => choice.slice(choice.indexOf(' ') + 1);

/** The form as it was sent, for who comes back to it. */
const valuesOfBegun = ({ identity, line }: Request): Values => ({
  familyName: identity.familyName,
  givenName: identity.givenName,
  rpps: identity.rpps ?? '',
  profession: identity.professionCode,
  civilite: identity.civiliteCode,
  person: line ?? '',
  manual: line ? '' : 'yes',
});

const inOrder = (errors: Faults): Faults =>
  Object.fromEntries(FIELDS.flatMap((name) => (errors[name] ? [[name, errors[name]]] : [])));

/** Who filled nothing is told where to begin, and nothing else. */
function faultsOf(typed: Values, errors: Faults, isKnown: boolean): Faults {
  if (isKnown || typed.manual) return inOrder(errors);
  const manual = { key: 'fault.required.manual' };
  const isEmpty = [typed.familyName, typed.givenName, typed.rpps].every((text) => !text?.trim());
  return isEmpty ? { manual } : inOrder({ ...errors, manual });
}

/** Enter goes on once the form is filled, by hand or from a line; before that it searches. */
const asksToSearch = ({ action, manual, person }: Fields): boolean =>
  action === 'search' || (action === 'enter' && !manual && !person);

async function search(deps: Deps, ctx: PageContext, fields: Fields): Promise<Results> {
  const { familyName = '', givenName = '', rpps = '' } = fields;
  const longest = Math.max(...[familyName, givenName, rpps].map((text) => text.trim().length));
  if (longest < MIN_SEARCH_LETTERS)
    return { fault: { key: 'fault.search.tooShort', vars: { min: MIN_SEARCH_LETTERS } } };
  const refused = await readRefused(deps, ctx);
  if (refused) return { fault: refused };
  const found = await searchDirectory(deps.knex, { familyName, givenName, rpps }, { limit: MAX_RESULTS + 1 });
  return { lines: found.slice(0, MAX_RESULTS).map(asLine), isCut: found.length > MAX_RESULTS };
}

export function doctorRoutes(router: Router<RequestState>, deps: Deps, provider: Provider): void {
  const { knex } = deps;
  const form = [parseForm, verifyForm(deps)] as const;
  const path = addresses.signUpRequest('doctor');

  async function show(
    ctx: PageContext,
    {
      values = {},
      errors = {},
      results,
      alert,
    }: { values?: Values; errors?: Faults; results?: Results; alert?: object } = {},
  ): Promise<void> {
    if (Object.keys(errors).length > 0) ctx.status = 422;
    const interaction = interactionOf(ctx);
    const action = addresses.signUpRequest('doctor', interaction);
    eraseLater(ctx, action);
    renderPage(deps, ctx, 'sign-up/request/doctor.njk', {
      values: { profession: MEDECIN, ...values },
      errors,
      results,
      alert,
      path,
      action,
      searchUrl: `${path}/recherche`,
      connexion: interaction,
      application: (await findDestination(provider, interaction)).application,
      professions: professionOptions('doctor'),
      civilites: civiliteOptions(),
      backUrl: addresses.signUp(interaction),
    });
  }

  router.get(path, async (ctx) => {
    const alert = erasedAlert(ctx);
    if (alert) return show(ctx, { alert });
    const begun = await findBegun(deps, 'doctor', browserOf(deps, ctx), ctx.query.reprise);
    await show(ctx, begun ? { values: valuesOfBegun(begun) } : {});
  });

  router.get(`${path}/recherche`, (ctx) => seeOther(ctx, path));

  // Results as one types: the list alone, for the page's script.
  router.post(`${path}/recherche`, ...form, async (ctx) => {
    renderPage(deps, ctx, 'sign-up/request/_results.njk', {
      results: await search(deps, ctx, fieldsOf(ctx)),
    });
  });

  router.post(path, ...form, async (ctx) => {
    const fields = fieldsOf(ctx);
    const values = typedValues(fields);
    if (fields.choose || (fields.person && !asksToSearch(fields))) {
      const refused = await readRefused(deps, ctx);
      if (refused) return show(ctx, { values, errors: { person: refused } });
    }
    if (fields.choose) {
      const chosen = await valuesOfChoice(knex, fields.choose);
      if (!chosen) return show(ctx, { values, errors: { person: { key: 'fault.person.gone' } } });
      const vars = {
        name: `${chosen.familyName} ${chosen.givenName}`,
        profession: labelOf('professions', fields.choose.split(' ')[0] ?? '') ?? '',
        rpps: chosen.rpps,
        supportEmail: deps.settings.SUPPORT_EMAIL,
      };
      const alert = chosen.rpps
        ? { kind: 'success', key: 'request.search.chosen', vars, focused: true }
        : { kind: 'waiting', key: 'request.search.chosenWithoutRpps', vars, focused: true };
      return show(ctx, { values: chosen, alert });
    }
    if (asksToSearch(fields))
      return show(ctx, { values: { ...values, person: '' }, results: await search(deps, ctx, fields) });

    const line = fields.person ? await valuesOfChoice(knex, fields.person) : undefined;
    const choice = line && isUnchanged(line, values) ? line.person : undefined;
    const identity = readIdentity('doctor', fields);
    const errors = faultsOf(values, identity.ok ? {} : identity.errors, choice !== undefined);
    if (!identity.ok || Object.keys(errors).length > 0) return show(ctx, { values, errors });

    const known = choice ? await workplacesOfDirectoryPerson(knex, nationalIdOf(choice)) : [];
    const refused = await beginRequest(deps, ctx, {
      kind: 'doctor',
      identity: identity.value,
      interaction: interactionOf(ctx),
      application: (await findDestination(provider, interactionOf(ctx))).application,
      suggested: known.map(({ id }) => id),
      ...(choice && { line: choice }),
    });
    if (refused) return show(ctx, { values, errors: { form: refused } });
  });
}
