"""Forms filled in by the dozen: the page's own form and the page's own scripts, without a tap for each field.

Each entry gets a copy of the visit form as the server wrote it, put into a page of the app, bound by the app's own
modules and submitted. What happens from there on is what happens after a tap.
"""

from __future__ import annotations

import base64
import uuid
from collections.abc import Sequence
from datetime import timedelta
from typing import Any

from playwright.sync_api import Page
from uuid6 import uuid7

from fieldapp import clock
from tests.browser.offline.town import Said, photo

# A record page must not take the place of the page that goes on saying: where the answer leads is only noted.
STAY = """() => {
  if (globalThis.led) return;
  globalThis.led = [];
  navigation.addEventListener("navigate", (event) => {
    if (!event.cancelable) return;
    event.preventDefault();
    led.push(event.destination.url);
  });
}"""

SAY = """async ({ html, said, patience }) => {
  const app = await import(document.querySelector('script[src$="/js/app.js"]').src);
  const inks = (text) => Uint8Array.from(atob(text), (letter) => letter.charCodeAt(0));
  const pause = (ms) => new Promise((go) => setTimeout(go, ms));
  const main = document.getElementById("main");
  const forms = said.map(({ mark, values, photos }) => {
    const form = document.importNode(new DOMParser().parseFromString(html, "text/html").querySelector("#visit-form"), true);
    for (const named of [form, ...form.querySelectorAll("#photos-kept, #photos-input")]) named.id += mark;
    form.querySelector("[hx-preserve]")?.removeAttribute("hx-preserve");
    main.append(form);
    for (const [name, value] of Object.entries(values)) {
      const field = form.elements[name];
      if (!field) throw new Error(`the form has no ${name}`);
      if (field.type === "checkbox") field.checked = value; else field.value = value;
    }
    const files = new DataTransfer();
    for (const { name, data } of photos) files.items.add(new File([inks(data)], name, { type: "image/jpeg", lastModified: 1 }));
    const outcome = { form, mark, told: "" };
    form.addEventListener("htmx:error", () => { outcome.told ||= "kept"; });
    form.addEventListener("htmx:after:request", ({ detail: { ctx } }) => {
      const status = ctx?.response?.raw?.status ?? ctx?.response?.status;
      outcome.status = status;
      outcome.told ||= status === 202 ? "queued" : status < 300 ? "saved" : `refused ${status}`;
    });
    return { ...outcome, outcome, files };
  });
  app.attach(document);
  for (const { form } of forms) htmx.process(form);
  await pause(60); // modules of the forms come by import()
  for (const { form, files } of forms) {
    form.querySelector("input[name=photos]").files = files.files;
    form.requestSubmit(form.querySelector("button[name=intent][value=record]"));
  }
  const end = Date.now() + patience;
  while (Date.now() < end && forms.some(({ outcome }) => !outcome.told)) await pause(20);
  for (const { form, outcome } of forms) if (outcome.told === "saved") form.remove();
  return forms.map(({ outcome }) => outcome.told || "nothing");
}"""


def typed(said: Said, *, heavy: bool = False) -> dict[str, Any]:
    """What the batch needs of a visit; its ids are made here, so that the database can be asked for them."""
    said.visit = said.visit or uuid7()
    said.key = said.key or uuid7()
    values: dict[str, Any] = {
        "visit_id": str(said.visit),
        "entry_id": str(said.key),
        "met_nobody": True,
        "said": said.words,
    }
    for index, title in enumerate(said.needs):
        values[f"needs-{index}-title"] = title
    for index, title in enumerate(said.promises):
        values |= {
            f"promises-{index}-title": title,
            f"promises-{index}-due_on": (clock.today() + timedelta(days=20)).isoformat(),
        }
    photos = [
        {
            "name": f"{number}.jpg",
            "data": base64.b64encode(
                photo(number, width=480, height=360, noise=True) if heavy else photo(number)
            ).decode(),
        }
        for number in said.photos
    ]
    return {"mark": uuid.uuid4().hex[:8], "values": values, "photos": photos}


def say(
    page: Page,
    html: str,
    said: Sequence[Said],
    *,
    heavy: bool = False,
    patience: float = 15,
    wait: bool = True,
) -> list[str]:
    """ "saved" on the server, "queued" on the phone, "kept" in the form, "refused 422" or "nothing" yet, for each."""
    page.evaluate(STAY)
    asked = {
        "html": html,
        "said": [typed(one, heavy=heavy) for one in said],
        "patience": int(patience * 1000) if wait else 0,
    }
    return list(page.evaluate(SAY, asked))
