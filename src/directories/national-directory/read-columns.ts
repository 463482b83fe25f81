/** The columns of the open-data file that are read, in the order that the stager has their fields in. */
import type { NationalDirectoryColumn } from './columns.ts';

/** Phone and e-mail columns are not read: nobody is shown them. */
export const COLUMNS = [
  "Type d'identifiant PP",
  'Identifiant PP',
  'Identification nationale PP',
  "Code civilité d'exercice",
  'Code civilité',
  "Nom d'exercice",
  "Prénom d'exercice",
  'Code profession',
  'Libellé profession',
  'Code catégorie professionnelle',
  'Code type savoir-faire',
  'Code savoir-faire',
  'Libellé savoir-faire',
  'Code mode exercice',
  "Code secteur d'activité",
  'Code section tableau pharmaciens',
  'Code rôle',
  'Code genre activité',
  'Identifiant technique de la structure',
  'Numéro FINESS site',
  'Numéro FINESS établissement juridique',
  'Numéro SIRET site',
  'Raison sociale site',
  'Enseigne commerciale site',
  'Complément destinataire (coord. structure)',
  'Complément point géographique (coord. structure)',
  'Numéro Voie (coord. structure)',
  'Indice répétition voie (coord. structure)',
  'Libellé type de voie (coord. structure)',
  'Libellé Voie (coord. structure)',
  'Mention distribution (coord. structure)',
  'Bureau cedex (coord. structure)',
  'Code postal (coord. structure)',
  'Code commune (coord. structure)',
  'Libellé commune (coord. structure)',
  'Code Département (structure)',
  'Code pays (coord. structure)',
] as const satisfies readonly NationalDirectoryColumn[];

/** From here on, what makes a structure. */
export const FIRST_STRUCTURE_RANK = COLUMNS.indexOf('Identifiant technique de la structure');

/** What else is read of a structure that was read before: nothing but these two, the place of the person. */
const OF_EVERY_LINE: readonly string[] = [
  'Identifiant technique de la structure',
  'Bureau cedex (coord. structure)',
  'Libellé commune (coord. structure)',
];

export const SHARED_COLUMNS: readonly string[] = COLUMNS.slice(FIRST_STRUCTURE_RANK);

export const LATER_COLUMNS: readonly string[] = SHARED_COLUMNS.filter(
  (column) => !OF_EVERY_LINE.includes(column),
);
