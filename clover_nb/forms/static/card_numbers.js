// Telling card numbers from other digits, so that none leaves the browser. The same rule as in
// clover_nb/card_numbers.py; a test compares the two.

// The numbers of the issuers (ISO/IEC 7812): how they begin, and how long they are.
const ISSUED = new RegExp(
  "^(" +
    [
      "4(\\d{12}|\\d{15}|\\d{18})", // Visa
      "(5[1-5]\\d{2}|222[1-9]|22[3-9]\\d|2[3-6]\\d{2}|27[01]\\d|2720)\\d{12}", // Mastercard
      "3[47]\\d{13}", // American Express
      "3(0[0-5]|[689]\\d)\\d{11}", // Diners Club
      "(6011|64[4-9]\\d|65\\d{2})\\d{12,15}", // Discover
      "35(2[89]|[3-8]\\d)\\d{12,15}", // JCB
      "62\\d{14,17}", // China UnionPay
    ].join("|") +
    ")$",
);
// Digits as people write them on a card: between two stand at most three signs of any kind.
const RUN = /\+?[0-9](?:[^\p{L}\p{N}+@]{0,3}[0-9])*/gu;
// The part before the @ of an email address, from its beginning.
const LOCAL_PART = /(?<![A-Za-z0-9_.+%-])[A-Za-z0-9_.+%-]+@(?=[A-Za-z0-9])/g;
const INVISIBLE = /[\p{Cf}\p{M}\u115f\u1160]/u; // zero-width signs, marks on others, fillers
const LONGEST_CARD = 19;
const LONGEST_PHONE = 15; // digits, after "+" (ITU-T E.164)
const FIRST_GROUP = 4; // digits that a card's first group has at least: two phones have fewer
const CODES = [0, 3, 4]; // digits of the security code that may be attached

/** The value of a digit of any script: they stand in tens, from zero to nine. */
function digitValue(sign) {
  const point = sign.codePointAt(0);
  let below = 0;
  while (/^\p{Decimal_Number}$/u.test(String.fromCodePoint(point - below - 1))) below += 1;
  return below % 10;
}

/** The signs of a text with the digits of any script as ASCII, each with its place in the text. */
function plainSigns(text) {
  const signs = [];
  let place = 0;
  for (const sign of text) {
    for (const plain of sign.normalize("NFKC")) {
      if (INVISIBLE.test(plain)) continue;
      signs.push([/\p{Decimal_Number}/u.test(plain) ? String(digitValue(plain)) : plain, place]);
    }
    place += sign.length;
  }
  return signs;
}

function passesLuhn(digits) {
  const sum = [...digits].reverse().reduce((total, digit, place) => {
    const value = Number(digit) * (place % 2 ? 2 : 1);
    return total + (value > 9 ? value - 9 : value);
  }, 0);
  return sum % 10 === 0;
}

/** Runs of digits as people write them, in groups; a number with a plus is a phone. */
function digitRuns(text) {
  const signs = plainSigns(text);
  const places = signs.flatMap(([sign, place]) => [...sign].flatMap((each) => Array(each.length).fill(place)));
  // An address with a letter before the @ has no card number there; digits alone may be one.
  const plain = signs
    .map(([sign]) => sign)
    .join("")
    .replace(LOCAL_PART, (found) => (/[A-Za-z]/.test(found) ? "x".repeat(found.length - 1) + "@" : found));
  return [...plain.matchAll(RUN)]
    .map((run) => ({ start: places[run.index], plus: run[0][0] === "+", groups: grouped(run[0]) }))
    .map((run) => ({ ...run, digits: run.groups.join("") }))
    .filter((run) => !run.plus || run.digits.length > LONGEST_PHONE);
}

/** The groups of digits of a run; digits that stand one by one are one group. */
function grouped(run) {
  const groups = [];
  let single = false;
  for (const group of run.match(/[0-9]+/g)) {
    if (group.length === 1 && single) groups[groups.length - 1] += group;
    else groups.push(group);
    single = group.length === 1;
  }
  return groups;
}

/** Whether digits are a card number, alone or with a security code attached to their end. */
function endsCard(digits, lastGroup) {
  return CODES.some((code) => {
    const number = digits.slice(0, digits.length - code);
    return code < lastGroup.length && ISSUED.test(number) && passesLuhn(number);
  });
}

/** Whether there is a card number in a run, alone or with other numbers around it. */
function holdsCard({ digits, groups }) {
  const longest = LONGEST_CARD + Math.max(...CODES);
  if (digits.length <= longest && endsCard(digits, groups.at(-1))) return true;
  return groups.some((first, start) => {
    if (first.length < FIRST_GROUP) return false;
    let number = "";
    for (let next = start; next < groups.length; next += 1) {
      number += groups[next];
      if (number.length > longest) return false;
      if (endsCard(number, groups[next])) return true;
    }
    return false;
  });
}

/** Where the first card number of a text begins, or -1. */
function findCard(text) {
  return digitRuns(text).find(holdsCard)?.start ?? -1;
}

/** How many digits the longest run has: a card number that is being typed has more and more. */
function longestRun(text) {
  return digitRuns(text).reduce((longest, run) => Math.max(longest, run.digits.length), 0);
}
