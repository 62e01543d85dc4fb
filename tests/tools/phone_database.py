"""What lies in a phone's database, as data: taken out, and laid into a phone that has none."""

from __future__ import annotations

from pathlib import Path
from typing import Any

from playwright.sync_api import Page

DATABASES = Path(__file__).resolve().parents[1] / "browser" / "databases"
SEED = bytes(range(32))  # of the person whose phone it is: what is sealed in the files opens with it
KEY = "01920000-0000-7000-8000-0000000000e1"

_COMMON = """
const open = (version, build) => new Promise((resolve, reject) => {
  const request = indexedDB.open("fieldapp", version);
  request.onupgradeneeded = () => build?.(request.result);
  request.onsuccess = () => resolve(request.result);
  request.onerror = () => reject(request.error);
});
const ask = (request) => new Promise((resolve, reject) => {
  request.onsuccess = () => resolve(request.result);
  request.onerror = () => reject(request.error);
});
"""

# Buffers as {"$buffer"} and {"$bytes"} in base64. What cannot leave a browser (keys) stays there.
_DUMP = (
    "async () => {"
    + _COMMON
    + """
  const base64 = (bytes) => btoa(String.fromCharCode(...bytes));
  const plain = (value) => {
    if (value instanceof CryptoKey) return undefined;
    if (value instanceof ArrayBuffer) return { $buffer: base64(new Uint8Array(value)) };
    if (ArrayBuffer.isView(value)) return { $bytes: base64(value) };
    if (Array.isArray(value)) return value.map(plain);
    if (value && typeof value === "object") return Object.fromEntries(Object.entries(value).map(([k, v]) => [k, plain(v)]));
    return value;
  };
  const db = await open();
  const stores = {};
  for (const name of db.objectStoreNames) {
    const store = db.transaction(name).objectStore(name);
    const indexes = [...store.indexNames].map((index) => ({ name: index, keyPath: store.index(index).keyPath }));
    stores[name] = { keyPath: store.keyPath, indexes, rows: plain(await ask(store.getAll())) };
  }
  const { version } = db;
  db.close();
  return { version, stores };
}"""
)

_LAY = (
    "async ({ version, stores }) => {"
    + _COMMON
    + """
  const bytes = (text) => Uint8Array.from(atob(text), (c) => c.charCodeAt(0));
  const alive = (value) => {
    if (Array.isArray(value)) return value.map(alive);
    if (!value || typeof value !== "object") return value;
    if ("$buffer" in value) return bytes(value.$buffer).buffer;
    if ("$bytes" in value) return bytes(value.$bytes);
    return Object.fromEntries(Object.entries(value).map(([k, v]) => [k, alive(v)]));
  };
  const db = await open(version, (fresh) => {
    for (const [name, { keyPath, indexes }] of Object.entries(stores)) {
      const store = fresh.createObjectStore(name, { keyPath });
      for (const index of indexes) store.createIndex(index.name, index.keyPath);
    }
  });
  const transaction = db.transaction(Object.keys(stores), "readwrite");
  for (const [name, { rows }] of Object.entries(stores)) for (const row of rows) transaction.objectStore(name).put(alive(row));
  await new Promise((resolve, reject) => { transaction.oncomplete = resolve; transaction.onerror = reject; });
  db.close();
}"""
)


def dump(page: Page) -> dict[str, Any]:
    """{version, stores: {name: {keyPath, indexes, rows}}} of the phone that shows `page`."""
    return dict(page.evaluate(_DUMP))


def lay(page: Page, database: dict[str, Any]) -> None:
    """Make that database on a phone that has none; `page` shows something of the site that opens none by itself."""
    page.evaluate(_LAY, database)


# One of everything: an entry that waits, with a line break and a photo in its body, one that was sent, a draft, a page.
_FILL = """async ({ module, key, need }) => {
  const { put, markSending, markDone } = await import(`${module}/outbox/queue.js`);
  const { keepDraft, keepPages } = await import(`${module}/outbox/seal.js`);
  const { user } = document.documentElement.dataset;
  const note = (key, title, fields) => put({ key, user, title, url: `/needs/${need}/note`, page: `/needs/${need}`, kind: "lightbulb", keys: [need], next: Date.now() + 60_000 }, fields);
  const sent = key.replace(/1$/, "0");
  await note(sent, "记一笔 · 发过的", [["text", "发过的"]]);
  const { row } = await markSending(sent);
  await markDone(row, { status: 204, location: `/needs/${need}` });
  const photo = new File([new Uint8Array([255, 216, 255, 217])], "门口.jpg", { type: "image/jpeg", lastModified: 1 });
  await note(key, "记一笔 · 没发的", [["text", "第一行\\n第二行"], ["extra", photo]]);
  await keepDraft(user, `/needs/${need}|note`, { fields: [["text", "写到一半"]] });
  await keepPages(user, [{ path: `/needs/${need}`, html: "<p>存下的页面</p>", hash: "h", at: Date.now() }]);
}"""


def fill(page: Page, need: object) -> None:
    """Put one of everything into the phone of the person whom `page` belongs to."""
    module = page.evaluate("document.querySelector('script[src$=\"/app.js\"]').src.replace('/app.js', '')")
    page.evaluate(_FILL, {"module": module, "key": KEY, "need": str(need)})
