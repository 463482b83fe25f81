/** « Quelle adresse email utiliser comme identifiant pour cette application ? »: the question, wherever it is asked. */
import { type EmailAddress, listEmailAddresses } from '../accounts/email-addresses.ts';
import { chooseEmail, type LinkChange } from '../applications/email-links.ts';
import type { Deps } from '../deps.ts';
import type { Fields } from '../http/forms.ts';
import type { Fault } from '../lib/fault.ts';

/** What the template of the question is given. */
export const emailQuestion = (emails: readonly EmailAddress[], errors: Readonly<Record<string, Fault>>) => ({
  emails,
  errors,
});

type Answer =
  /** To show beside the question. */
  | { readonly errors: Readonly<Record<string, Fault>> }
  /** A link stands: the one that was asked for, or that of an answer before it. */
  | { readonly errors?: never; readonly isTheirs: boolean };

/** Takes the answer of a form. */
export async function answerEmailQuestion(
  { knex, clock }: Deps,
  change: LinkChange,
  fields: Fields,
): Promise<Answer> {
  const emails = await listEmailAddresses(knex, change.accountId);
  const chosen = emails.find(({ id }) => id === fields.email);
  const link = chosen && (await chooseEmail(knex, { clock }, { ...change, emailId: chosen.id }));
  if (!link) return { errors: { email: { key: 'fault.required.applicationEmail' } } };
  return { isTheirs: link.emailId === chosen.id };
}
