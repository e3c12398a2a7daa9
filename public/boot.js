// Brings the islands of a portal page to life, or starts the admin app. It runs as a module from this host
// only, so the content security policy needs no inline script.
const tag = document.querySelector("script[data-glue]");

// A page that waits must go on even where wasm cannot run or did not arrive.
function reloadLater() {
  const secs = Number(tag.dataset.refresh);
  if (secs > 0) setTimeout(() => location.reload(), secs * 1000);
}

async function start() {
  try {
    const bundle = await import(tag.dataset.glue);
    await bundle.default();
    for (const island of document.querySelectorAll("leptos-island")) bundle[island.dataset.component](island);
    document.documentElement.dataset.ready = "";
  } catch (error) {
    console.error(error);
    reloadLater();
  }
}

// On a slow link the page itself comes first.
function whenIdle() {
  if ("requestIdleCallback" in window) requestIdleCallback(start, { timeout: 2000 });
  else setTimeout(start, 50);
}

if (tag.dataset.when === "now") start();
else if (document.readyState === "complete") whenIdle();
else addEventListener("load", whenIdle, { once: true });
