// Every page, as its reader meets it: in both languages, light and dark, desktop and phone.
import assert from 'node:assert/strict';
import { readFileSync } from 'node:fs';
import { createRequire } from 'node:module';
import { after, before, test } from 'node:test';
import { BASE, signIn, startChromium } from './chromium.mjs';

const AXE = readFileSync(createRequire(import.meta.url).resolve('axe-core/axe.min.js'), 'utf8');
const DESKTOP = { width: 1440, height: 900 };
const PHONE = { width: 390, height: 844 };

/** Pages that stand for themselves; details are found by following the first link of a list. */
const PAGES = ['/', '/alerts', '/incidents', '/search', '/sources', '/systems', '/agencies', '/dead-letters', '/rules', '/audit', '/account'];
const LISTS = { '/alerts': 'a[href^="/alerts/"]', '/incidents': 'a[href^="/incidents/"]', '/sources': 'a[href^="/sources/"]', '/systems': 'a[href^="/systems/"]', '/agencies': 'a[href^="/agencies/"]', '/rules': 'a[href^="/rules/"]' };

let browser;
let context;
before(async () => {
  browser = await startChromium();
  context = await browser.newContext({ viewport: DESKTOP });
  await signIn(await context.newPage());
});
after(async () => {
  await browser.close();
});

async function open(path, { viewport = DESKTOP, dark = false } = {}) {
  const page = await context.newPage();
  const complaints = [];
  page.on('console', (line) => line.type() === 'error' && complaints.push(line.text()));
  page.on('pageerror', (error) => complaints.push(String(error)));
  await page.setViewportSize(viewport);
  await page.emulateMedia({ colorScheme: dark ? 'dark' : 'light' });
  const answer = await page.goto(BASE + path, { waitUntil: 'load' });
  assert.equal(answer.status(), 200, path);
  return { page, complaints };
}

async function axe(page) {
  // Through the debugger, not as a page script: the page's own policy forbids foreign scripts.
  await page.evaluate(`${AXE}; 0`);
  const { violations } = await page.evaluate(() => window.axe.run(document, { resultTypes: ['violations'] }));
  return violations
    .filter((found) => ['serious', 'critical'].includes(found.impact))
    .map((found) => `${found.id}: ${found.nodes.slice(0, 3).map((node) => node.target.join(' ')).join(' | ')}`);
}

async function paths() {
  const all = [...PAGES];
  for (const [list, selector] of Object.entries(LISTS)) {
    const { page } = await open(list);
    const links = await page.$$eval(selector, (found) => found.map((link) => link.getAttribute('href')));
    const detail = links.find((link) => !/\/(new|export|import)|\?|\.(csv|xlsx)/.test(link));
    if (detail) all.push(detail);
    await page.close();
  }
  return all;
}

test('every page is accessible, quiet and complete in light and dark', async (t) => {
  for (const path of await paths()) {
    for (const dark of [false, true]) {
      await t.test(`${path} ${dark ? 'dark' : 'light'}`, async () => {
        const { page, complaints } = await open(path, { dark });
        assert.equal(await page.locator('h1').count(), 1, 'one heading');
        assert.deepEqual(await axe(page), []);
        assert.deepEqual(complaints, []);
        await page.close();
      });
    }
  }
});

test('no page is wider than a phone', async (t) => {
  for (const path of await paths()) {
    await t.test(path, async () => {
      const { page } = await open(path, { viewport: PHONE });
      const width = await page.evaluate(() => document.documentElement.scrollWidth);
      assert.ok(width <= PHONE.width, `${width} px`);
      await page.close();
    });
  }
});

test('every page reads in English too', async (t) => {
  const english = await browser.newContext({ viewport: DESKTOP, storageState: await context.storageState() });
  await english.addCookies([{ name: 'lang', value: 'en', url: BASE }]);
  for (const path of await paths()) {
    await t.test(path, async () => {
      const page = await english.newPage();
      await page.goto(BASE + path);
      assert.equal(await page.getAttribute('html', 'lang'), 'en');
      await page.close();
    });
  }
  await english.close();
});

test('the sign-in page is light enough for a slow line', async () => {
  const fresh = await browser.newContext();
  const page = await fresh.newPage();
  let bytes = 0;
  page.on('response', async (answer) => {
    const sizes = await answer.request().sizes().catch(() => null);
    bytes += sizes ? sizes.responseBodySize : 0;
  });
  await page.goto(`${BASE}/sign-in`, { waitUntil: 'networkidle' });
  assert.ok(bytes > 0 && bytes < 200_000, `${bytes} bytes`);
  await fresh.close();
});

test('pages work without JavaScript', async () => {
  const plain = await browser.newContext({ javaScriptEnabled: false, storageState: await context.storageState() });
  const page = await plain.newPage();
  for (const path of ['/', '/alerts', '/search?q=*', '/sources']) {
    const answer = await page.goto(BASE + path);
    assert.equal(answer.status(), 200, path);
    assert.ok((await page.locator('main').innerText()).length > 20, path);
  }
  await plain.close();
});
