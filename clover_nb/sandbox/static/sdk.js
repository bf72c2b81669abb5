// Stands in for Clover's sdk.js on a page, with the interface that Clover documents: the fields are
// iframes from the sandbox's own address, and what is typed into them never comes to the page.

(() => {
  const home = new URL(".", document.currentScript.src); // a path too, behind a proxy
  const READY_SECONDS = 10;
  const TITLES = {
    CARD_NUMBER: "Card number",
    CARD_DATE: "Expiry",
    CARD_CVV: "Security code",
    CARD_POSTAL_CODE: "Postal code",
  };

  class Element {
    #listeners = { change: [], blur: [] };

    constructor(clover, type, styles) {
      Object.assign(this, { clover, type, styles });
    }

    mount(selector) {
      const place = document.querySelector(selector);
      if (!place) throw new Error(`There is no element ${selector} to mount ${this.type} in.`);
      this.frame = document.createElement("iframe");
      this.frame.title = TITLES[this.type];
      this.frame.src = new URL(`checkout/${this.type}`, home);
      this.frame.addEventListener("load", () => this.post({ do: "setup", styles: this.styles }));
      place.append(this.frame);
    }

    addEventListener(name, listener) {
      this.#listeners[name].push(listener);
    }

    post(message) {
      this.frame.contentWindow.postMessage({ ...message, session: this.clover.session }, home.origin);
    }

    tell(name, states) {
      for (const listener of this.#listeners[name] ?? []) listener(states);
    }
  }

  window.Clover = class Clover {
    #elements = [];
    #states = {}; // of all fields, by type
    #tokens = new Map(); // what waits for an answer, by number
    #asked = 0;

    constructor(apiAccessKey, { merchantId } = {}) {
      if (!apiAccessKey || !merchantId) throw new Error("apiAccessKey and merchantId are required.");
      this.apiAccessKey = apiAccessKey;
      this.session = crypto.getRandomValues(new Uint32Array(4)).join("-");
      window.addEventListener("message", (event) => this.#receive(event));
    }

    elements() {
      return { create: (type, styles = {}) => this.#create(type, styles) };
    }

    createToken() {
      const number = this.#elements.find((element) => element.type === "CARD_NUMBER");
      const asked = (this.#asked += 1);
      return new Promise((resolve, reject) => {
        const late = () => reject(new Error("The card fields did not load."));
        const timer = number?.ready ? undefined : setTimeout(late, READY_SECONDS * 1000);
        this.#tokens.set(asked, { resolve, reject, timer });
        number.post({ do: "tokenize", asked, apiAccessKey: this.apiAccessKey });
      });
    }

    #create(type, styles) {
      if (!TITLES[type]) throw new Error(`The sandbox has no element ${type}.`);
      this.#elements.push(new Element(this, type, styles));
      return this.#elements.at(-1);
    }

    #receive({ data, origin, source }) {
      const from = this.#elements.find((element) => element.frame?.contentWindow === source);
      if (!from || origin !== home.origin || data.session !== this.session) return;
      from.ready = true;
      if (data.event === "token") {
        const { resolve, reject, timer } = this.#tokens.get(data.asked) ?? {};
        this.#tokens.delete(data.asked);
        clearTimeout(timer);
        if (data.failure) reject?.(new Error(data.failure));
        else resolve?.(data.result);
      } else if (data.event !== "ready") {
        this.#states = { ...this.#states, [from.type]: data.state };
        from.tell(data.event, this.#states);
      }
    }
  };
})();
