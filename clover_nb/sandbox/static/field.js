// One field of a card, in an iframe of its own. What is typed here goes to the sandbox alone: the
// fields of one card find each other as frames of one page, of one address and one session.

const { type, pages } = document.documentElement.dataset;
const input = document.querySelector("input");
const reason = document.querySelector("#error"); // of what is wrong, for screen readers
const badge = document.querySelector("output"); // with the choice of test cards: of the number alone
const choice = document.querySelector("select");
const BRANDS = JSON.parse(document.documentElement.dataset.brands); // how their numbers begin
const CANADIAN = /^[A-Z]\d[A-Z] ?\d[A-Z]\d$/i;
const AMERICAN = /^\d{5}([- ]?\d{4})?$/;

// Arabic, Persian and full-width digits are digits too.
const western = (text) =>
  text.replace(/[\u0660-\u0669\u06f0-\u06f9\uff10-\uff19]/g, (digit) => digit.charCodeAt(0) & 15);
const digits = (text) => western(text).replace(/\D/g, "");
const brandOf = (number) =>
  Object.keys(BRANDS).find((brand) => new RegExp(BRANDS[brand]).test(number)) ?? "";

function passesLuhn(number) {
  const sum = [...number].reverse().reduce((total, digit, place) => {
    const value = Number(digit) * (place % 2 ? 2 : 1);
    return total + (value > 9 ? value - 9 : value);
  }, 0);
  return sum % 10 === 0;
}

function expiry() {
  const [, month, year] = /^(\d{1,2})\s*\/\s*(\d{2}|20\d{2})$/.exec(input.value.trim()) ?? [];
  return month >= 1 && month <= 12 ? { month: Number(month), year: Number(`20${year.slice(-2)}`) } : null;
}

const isPast = ({ month, year }, now) =>
  year * 12 + month < now.getUTCFullYear() * 12 + now.getUTCMonth() + 1;

// How each is written, and what is wrong with it, in words; nothing when it may be right.
const FIELDS = {
  CARD_NUMBER: {
    name: "Card number",
    written: (text) => {
      const number = digits(text);
      const groups = /^3[47]/.test(number) ? /^(\d{1,4})(\d{1,6})?(\d+)?/ : /(\d{1,4})/;
      return number.split(groups).filter(Boolean).join(" ");
    },
    wrong: () => {
      const number = digits(input.value);
      return number.length < 12 || number.length > 19 || !passesLuhn(number)
        ? "Card number is not valid."
        : "";
    },
  },
  CARD_DATE: {
    name: "Expiry",
    written: (text) => {
      const date = digits(western(text).replace(/^\s*(\d)\D/, "0$1/")); // 1/30 is 01/30
      return date.length > 2 ? `${date.slice(0, 2)}/${date.slice(2)}` : date;
    },
    wrong: () => {
      const date = expiry();
      if (!date) return "Expiry must be a month and a year, MM/YY.";
      return isPast(date, new Date()) ? "The card has expired." : "";
    },
  },
  CARD_CVV: {
    name: "Security code",
    written: digits,
    wrong: () => {
      const length = sibling("CARD_NUMBER")?.isAmex() ? 4 : 3;
      return new RegExp(`^\\d{${length}}$`).test(input.value.trim())
        ? ""
        : `Security code must have ${length} digits.`;
    },
  },
  CARD_POSTAL_CODE: {
    name: "Postal code",
    written: western,
    wrong: () =>
      AMERICAN.test(input.value.trim()) || CANADIAN.test(input.value.trim())
        ? ""
        : "Postal code must be like 94085 or K1A 0B1.",
  },
};
const field = FIELDS[type];

let session = ""; // of the card that this field belongs to
let page = ""; // the address of the page around it, once that has shown itself
let touched = false;

const errorNow = () => (input.value.trim() ? field.wrong() : `${field.name} is required.`);

// What the other fields of the card may ask.
window.cardField = {
  isOf: (other) => Boolean(session) && session === other,
  type,
  value: () => input.value.trim(),
  expiry,
  error: errorNow,
  isAmex: () => brandOf(digits(input.value)) === "AMEX",
  show: (error) => show(error),
  fill: (text) => {
    input.value = text;
    edited();
  },
};

function siblings() {
  const found = {};
  for (let place = 0; place < parent.length; place += 1) {
    try {
      const other = parent[place].cardField;
      if (other?.isOf(session)) found[other.type] = other;
    } catch {
      // a frame of somebody else
    }
  }
  return found;
}
const sibling = (wanted) => siblings()[wanted];

function post(message) {
  if (page) parent.postMessage({ ...message, session }, page);
}

function tell(event, error) {
  input.setAttribute("aria-invalid", Boolean(error));
  reason.textContent = error;
  post({ event, state: { touched, ...(error && { error }) } });
}

function show(error) {
  touched = true;
  tell("blur", error);
}

function edited() {
  // In the middle of it the cursor would jump; there it waits until the field is left.
  if (input.selectionStart === input.value.length) input.value = field.written(input.value);
  if (choice) {
    badge.textContent = brandOf(digits(input.value));
    choice.hidden = input.value !== "";
  }
  tell("change", touched ? errorNow() : "");
}

// Where a refusal of the sandbox belongs, by the parameter that it names.
const PLACES = {
  number: "CARD_NUMBER",
  exp_month: "CARD_DATE",
  exp_year: "CARD_DATE",
  cvv: "CARD_CVV",
  address_zip: "CARD_POSTAL_CODE",
};

async function tokenize(apiAccessKey) {
  const fields = siblings();
  const errors = {};
  for (const [name, each] of Object.entries(fields)) {
    const error = each.error();
    each.show(error);
    if (error) errors[name] = error;
  }
  if (Object.keys(errors).length) return { result: { errors } };
  const date = fields.CARD_DATE?.expiry();
  const card = {
    number: digits(fields.CARD_NUMBER.value()),
    exp_month: String(date?.month ?? ""),
    exp_year: String(date?.year ?? ""),
    cvv: fields.CARD_CVV?.value(),
    address_zip: fields.CARD_POSTAL_CODE?.value(),
  };
  let answer, body;
  try {
    answer = await fetch("../v1/tokens", {
      method: "POST",
      headers: { apikey: apiAccessKey, "Content-Type": "application/json" },
      body: JSON.stringify({ card }),
    });
    body = await answer.json();
  } catch {
    return { failure: "Clover could not be reached." };
  }
  if (answer.ok) {
    return { result: { token: body.id, card: { brand: body.card.brand, last4: body.card.last4 } } };
  }
  const message = body.error?.message ?? body.message;
  const place = PLACES[body.error?.param];
  if (!place || !fields[place]) return { failure: message };
  fields[place].show(message);
  return { result: { errors: { [place]: message } } };
}

window.addEventListener("message", async ({ data, origin, source }) => {
  if (source !== parent || !pages.split(" ").includes(origin)) return;
  if (data.do === "setup" && !session) {
    [session, page] = [data.session, origin];
    dress(data.styles ?? {});
    if (choice) choice.disabled = false; // before, the other fields are not known
    post({ event: "ready" });
    if (input.value) edited(); // somebody was quicker than this script
    const chosen = sibling("CARD_NUMBER")?.chosen;
    if (chosen) window.cardField.fill(chosen[type]);
  } else if (data.do === "tokenize" && data.session === session) {
    post({ event: "token", asked: data.asked, ...(await tokenize(data.apiAccessKey)) });
  }
});

// Each key is a selector, each value the properties of a rule; properties are checked one by one.
function dress(styles) {
  const sheet = new CSSStyleSheet();
  for (const [selector, properties] of Object.entries(styles)) {
    try {
      const rule = sheet.cssRules[sheet.insertRule(`${selector} {}`, sheet.cssRules.length)];
      for (const [name, value] of Object.entries(properties)) {
        const dashed = name.replace(/[A-Z]/g, (letter) => `-${letter.toLowerCase()}`);
        rule.style.setProperty(dashed, value);
      }
    } catch {
      // no selector that this browser knows
    }
  }
  document.adoptedStyleSheets = [sheet];
}

choice?.addEventListener("change", () => {
  const { value, dataset } = choice.selectedOptions[0];
  const test = { CARD_NUMBER: value, CARD_DATE: "12/35", CARD_CVV: dataset.cvv, CARD_POSTAL_CODE: "94085" };
  window.cardField.chosen = test; // for fields that are still to come
  for (const [name, each] of Object.entries(siblings())) each.fill(test[name]);
  choice.selectedIndex = 0;
  input.focus();
});
input.addEventListener("input", edited);
input.addEventListener("blur", () => {
  input.value = field.written(input.value);
  show(errorNow());
});
window.addEventListener("focus", () => input.focus());
