/** Luhn sum (ISO/IEC 7812-1, annex B) of a string of ASCII digits, key included; a multiple of ten when the key is right. */
export function luhnSum(digits: string): number {
  let sum = 0;
  for (let rank = 0; rank < digits.length; rank++) {
    const digit = Number(digits[digits.length - 1 - rank]);
    const weighted = rank % 2 === 1 ? digit * 2 : digit;
    sum += weighted > 9 ? weighted - 9 : weighted;
  }
  return sum;
}
