// Clover's Node SDK (clover-ecomm-sdk), unmodified, through a customer's whole life.
const assert = require("node:assert");
const Clover = require("clover-ecomm-sdk");

const there = JSON.parse(require("node:fs").readFileSync(0, "utf8"));
const address = new URL(there.ecommerce_url);

async function main() {
  const clover = new Clover(there.access_token, { environment: "sandbox" });
  clover.setHost(address.hostname, address.port, "http");
  // The host of tokens has no setter: its configuration is changed at run time.
  clover._config.sandbox.token_url = address.hostname;

  const key = await clover.apikey.retrieve();
  assert.strictEqual(key.merchantUuid, there.merchant_id);

  const token = await clover.tokens.create({ apiKey: key.apiAccessKey, card: there.card });
  assert.strictEqual(token.object, "token");

  const customer = await clover.customers.create({ email: "ana@example.com", source: token.id });
  assert.strictEqual(customer.object, "customer");

  const renamed = await clover.customers.update(customer.id, {
    email: "ana@example.com",
    name: "Ana Rivera",
  });
  assert.strictEqual(renamed.name, "Ana Rivera");

  await assert.rejects(
    clover.customers.create({ email: "nonsense", source: token.id }),
    (error) => error.type === "CloverInvalidRequestError" && error.code === "email_invalid",
  );

  const gone = await clover.customers.del(customer.id);
  assert.strictEqual(gone.deleted, true);
  console.log("clover-ecomm-sdk: key, token, create, update, refusal, delete: ok");
}

main().then(
  () => process.exit(0),
  (error) => {
    console.error(error);
    process.exit(1);
  },
);
