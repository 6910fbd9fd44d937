// Signing up and in, and the own record.

import { fill, h, toast } from "/common/dom.js";
import * as api from "./api.js";
import { addressBlock, addressFields, addressOf, field, form } from "/common/forms.js";
import { currentLanguage, t } from "/common/i18n.js";
import { notice, sentence } from "/common/trouble.js";
import { newKey } from "/common/http.js";
import { attempt, claimCart, ownPasswordPage, passwordField } from "./passwords.js";
import { questionPanel } from "./question.js";
import { reachPanel } from "./reach.js";

/** The page: the account of who is signed in, else the ways to get there. */
export async function accountPage(main) {
  if (api.signedIn()) {
    await ownPage(main);
    return;
  }
  fill(
    main,
    h("h1", {}, t("account")),
    h("p", { class: "soft" }, t("sign_in.why")),
    h("div", { class: "two" }, signInForm(main), signUpForm(main)),
  );
}

/** The form. Whatever page it is on is shown anew as soon as somebody is signed in (app.js). */
export function signInForm(main) {
  return form(
    { class: "panel stack", id: "sign-in" },
    (element) =>
      attempt(element, async (value) => {
        try {
          await arrive(value("email"), element.elements.namedItem("password").value);
        } catch (error) {
          if (error.code !== "new-password-required") throw error;
          const { session } = error.problem;
          ownPasswordPage(main, value("email"), session, () => undefined);
        }
      }),
    h("h2", {}, t("sign_in")),
    field("email", t("field.email"), { type: "email", autocomplete: "username" }),
    passwordField("current-password"),
    h(
      "div",
      { class: "row spread" },
      h("button", { class: "button primary" }, t("sign_in")),
      h("a", { href: "#/forgot" }, t("forgot")),
    ),
  );
}

/** Sign in, and make the cart that was filled before the customer's own. */
async function arrive(email, password) {
  await api.signIn(email, password);
  await claimCart();
}

function signUpForm(main) {
  const key = newKey();
  return form(
    { class: "panel stack", id: "sign-up" },
    (element) =>
      attempt(element, async (value) => {
        const password = element.elements.namedItem("password").value;
        const customer = {
          name: value("name"),
          email: value("email"),
          password,
          language: currentLanguage(),
          consent: {
            terms_accepted: true,
            marketing: element.elements.namedItem("marketing").checked,
          },
        };
        if (value("phone")) customer.phone = value("phone").replace(/[\s()/-]/g, "");
        const answer = await api.signUp(customer, key);
        confirmation(main, { email: customer.email, password, signUp: answer.sign_up });
      }),
    h("h2", {}, t("sign_up")),
    field("name", t("field.name"), { autocomplete: "name", maxlength: "100" }),
    field("email", t("field.email"), { type: "email", autocomplete: "email" }),
    field("phone", t("field.phone"), { type: "tel", autocomplete: "tel", required: false }),
    passwordField("new-password"),
    h(
      "label",
      { class: "check" },
      h("input", { type: "checkbox", name: "terms", required: true }),
      t("consent.terms"),
    ),
    h(
      "label",
      { class: "check" },
      h("input", { type: "checkbox", name: "marketing" }),
      t("consent.marketing"),
    ),
    h("button", { class: "button primary" }, t("sign_up")),
  );
}

function confirmation(main, { email, password, signUp }) {
  const again = h(
    "button",
    {
      type: "button",
      class: "link",
      on: {
        click: () =>
          api.resend(email).then(
            () => toast(t("confirm.resent")),
            (error) => toast(sentence(error), "bad"),
          ),
      },
    },
    t("confirm.resend"),
  );
  fill(
    main,
    form(
      { class: "panel stack narrow", id: "confirm" },
      (element) =>
        attempt(element, async (value) => {
          await api.confirm(email, value("code"), signUp);
          await arrive(email, password);
          await accountPage(main);
        }),
      h("h1", {}, t("confirm")),
      h("p", { class: "soft" }, t("confirm.text", { email })),
      h("p", {}, h("a", { href: "/inbox/", target: "_blank" }, t("confirm.open"))),
      field("code", t("field.code"), { inputmode: "numeric", autocomplete: "one-time-code" }),
      h(
        "div",
        { class: "row spread" },
        h("button", { class: "button primary" }, t("confirm.button")),
        again,
      ),
    ),
  );
  main.querySelector("[name=code]").focus();
}

async function ownPage(main) {
  fill(main, h("p", { class: "empty" }, t("loading")));
  try {
    drawOwn(main, await api.me());
  } catch (error) {
    fill(main, notice(error), api.signedIn() ? signOutButton(main) : null);
    if (!api.signedIn()) await accountPage(main);
  }
}

function signOutButton(main) {
  return h(
    "button",
    {
      class: "button small",
      id: "sign-out",
      on: {
        click: () =>
          api
            .signOut()
            .catch(() => undefined)
            .then(() => accountPage(main)),
      },
    },
    t("sign_out"),
  );
}

function drawOwn(main, me) {
  fill(
    main,
    h(
      "div",
      { class: "row spread" },
      h("h1", {}, t("hello", { name: me.name })),
      signOutButton(main),
    ),
    h(
      "p",
      { class: "row own-links" },
      h("a", { href: "#/orders" }, t("orders")),
      me.account ? approvalsLink() : null,
    ),
    h(
      "div",
      { class: "two" },
      h("div", { class: "stack" }, detailsForm(main, me), questionPanel()),
      h("div", { class: "stack" }, addressBook(main, me), reachPanel(me)),
    ),
  );
}

/** Where those decide who approve for their company; nothing for others. */
function approvalsLink() {
  const box = h("span");
  api.approvals().then(
    ({ approvals }) => {
      const text = approvals.length ? t("approvals.wait", { count: approvals.length }) : t("approvals");
      fill(box, h("a", { href: "#/approvals", id: "to-approve" }, text));
    },
    () => undefined,
  );
  return box;
}

function detailsForm(main, me) {
  return form(
    { class: "panel stack", id: "own" },
    (element) =>
      attempt(element, async (value) => {
        const phone = value("phone").replace(/[\s()/-]/g, "");
        const marketing = element.elements.namedItem("marketing").checked;
        drawOwn(
          main,
          await api.editMe({ name: value("name"), phone: phone || null, consent: { marketing } }),
        );
        toast(t("saved.done"));
      }),
    h("h2", {}, t("details")),
    h("p", { class: "soft" }, me.email),
    field("name", t("field.name"), { value: me.name, autocomplete: "name", maxlength: "100" }),
    field("phone", t("field.phone"), {
      type: "tel",
      value: me.phone,
      autocomplete: "tel",
      required: false,
    }),
    h(
      "label",
      { class: "check" },
      h("input", {
        type: "checkbox",
        name: "marketing",
        checked: Boolean(me.consents.marketing?.granted),
      }),
      t("consent.marketing"),
    ),
    h("button", { class: "button primary" }, t("save")),
  );
}

function addressBook(main, me) {
  const box = h("div");
  const add = () => {
    const key = newKey();
    fill(
      box,
      form(
        { class: "stack" },
        (element) =>
          attempt(element, async (value) => {
            const entry = {
              label: value("label"),
              address: addressOf(element),
              default_shipping: !me.addresses.length,
            };
            drawOwn(main, await api.addAddress(entry, key));
          }),
        field("label", t("field.label"), { maxlength: "40" }),
        addressFields({ name: me.name }, "book"),
        h("button", { class: "button primary" }, t("save")),
      ),
    );
    box.querySelector("input").focus();
  };
  return h(
    "section",
    { class: "panel stack" },
    h("h2", {}, t("addresses")),
    h(
      "ul",
      { class: "stack" },
      me.addresses.map((each) =>
        h(
          "li",
          { class: "row spread" },
          h("div", {}, h("strong", {}, each.label), addressBlock(each.address)),
          h(
            "button",
            {
              class: "link",
              "aria-label": t("remove.of", { name: each.label }),
              on: { click: async () => drawOwn(main, await api.removeAddress(each.id)) },
            },
            t("remove"),
          ),
        ),
      ),
    ),
    box,
    h("button", { class: "button small", on: { click: add } }, t("addresses.add")),
  );
}
