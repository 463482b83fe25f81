/**
 * The national nomenclatures (NOS) that forms offer and claims quote, as data files of one shape, each with its version.
 * A code that ended stays readable, because directories, cards and accounts still carry it, and is never offered.
 * Labels are the national ones, in French.
 */
import categoriesProfessionnelles from './data/categories-professionnelles.json' with { type: 'json' };
import civilites from './data/civilites.json' with { type: 'json' };
import civilitesExercice from './data/civilites-exercice.json' with { type: 'json' };
import fonctions from './data/fonctions.json' with { type: 'json' };
import genresActivite from './data/genres-activite.json' with { type: 'json' };
import modesExercice from './data/modes-exercice.json' with { type: 'json' };
import professions from './data/professions.json' with { type: 'json' };
import professionsEnFormation from './data/professions-en-formation.json' with { type: 'json' };
import profilsNonPs from './data/profils-non-ps.json' with { type: 'json' };
import roles from './data/roles.json' with { type: 'json' };
import savoirFaire from './data/savoir-faire.json' with { type: 'json' };
import secteursActivite from './data/secteurs-activite.json' with { type: 'json' };
import sectionsPharmacien from './data/sections-pharmacien.json' with { type: 'json' };
import typesSavoirFaire from './data/types-savoir-faire.json' with { type: 'json' };

export interface Concept {
  readonly code: string;
  readonly label: string;
  /** OID of the terminology that the code comes from, where the list gathers several. */
  readonly oid?: string;
  /** Day (or year) the code ended, ISO 8601; true when it ended on an unstated day. */
  readonly ended?: string | true;
  /** False for a code in force that enrolment leaves out. */
  readonly offered?: false;
}

export interface Nomenclature {
  readonly name: string;
  /** Null for a value set, whose concepts carry their own. */
  readonly oid: string | null;
  /** As its publisher writes it; null when the list was published without one. */
  readonly version: string | null;
  /** What the list was read from. */
  readonly source: string;
  readonly concepts: readonly Concept[];
}

export const NOMENCLATURES = {
  professions: professions as Nomenclature,
  /** Codes of people in training, on students' cards; the same numbers as their future profession. */
  professionsEnFormation: professionsEnFormation as Nomenclature,
  /** What stands for a profession where someone has none. */
  profilsNonPs: profilsNonPs as Nomenclature,
  civilites: civilites as Nomenclature,
  civilitesExercice: civilitesExercice as Nomenclature,
  categoriesProfessionnelles: categoriesProfessionnelles as Nomenclature,
  typesSavoirFaire: typesSavoirFaire as Nomenclature,
  savoirFaire: savoirFaire as Nomenclature,
  secteursActivite: secteursActivite as Nomenclature,
  modesExercice: modesExercice as Nomenclature,
  roles: roles as Nomenclature,
  fonctions: fonctions as Nomenclature,
  genresActivite: genresActivite as Nomenclature,
  sectionsPharmacien: sectionsPharmacien as Nomenclature,
} as const;

export type ListName = keyof typeof NOMENCLATURES;

/** TRE_A00: what a medical secretary is, having no profession code. */
export const SECRETARIAT_MEDICAL = 'SECRETARIAT_MEDICAL';
/** TRE_G15: the only profession that the Order's register holds. */
export const MEDECIN = '10';

const indexes = new Map<ListName, ReadonlyMap<string, Concept>>(
  (Object.keys(NOMENCLATURES) as ListName[]).map((list) => [
    list,
    new Map(NOMENCLATURES[list].concepts.map((concept) => [concept.code, concept])),
  ]),
);

const isOpen = ({ ended, offered }: Concept): boolean => ended === undefined && offered !== false;

/** The concept, ended or not. */
export const findConcept = (list: ListName, code: string): Concept | undefined =>
  indexes.get(list)?.get(code);

/** What a form may offer, in the order of the list. */
export const offered = (list: ListName): { code: string; label: string }[] =>
  NOMENCLATURES[list].concepts.filter(isOpen).map(({ code, label }) => ({ code, label }));

/** @returns the label of a code, ended ones included; undefined for a code that the list never had. */
export const labelOf = (list: ListName, code: string): string | undefined => findConcept(list, code)?.label;

/** Whether a form may take this code as someone's answer. */
export function isOffered(list: ListName, code: string): boolean {
  const concept = findConcept(list, code);
  return concept !== undefined && isOpen(concept);
}
