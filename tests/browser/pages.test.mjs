// Every page, as its reader meets it: in both languages, light and dark, desktop and phone.
import assert from 'node:assert/strict';
import { readFileSync } from 'node:fs';
import { createRequire } from 'node:module';
import { after, before, test } from 'node:test';
import { BASE, PATIENCE, signIn, startChromium } from './chromium.mjs';

const AXE = readFileSync(createRequire(import.meta.url).resolve('axe-core/axe.min.js'), 'utf8');
const DESKTOP = { width: 1440, height: 900 };
const PHONE = { width: 390, height: 844 };

/** Pages that stand for themselves; details are found by following the first link of a list. */
const PAGES = [
  '/', '/alerts', '/incidents', '/search', '/search?q=&range=24h', '/search?q=%7C+stats+count()+by+class&range=24h', '/search?q=%7C+timechart+count()+by+class&range=24h', '/search/fields', '/search/sql', '/searches', '/searches/new?q=user%3Aan&range=1h', '/sources', '/sources/new', '/systems', '/systems/new', '/agencies',
  '/agencies/new', '/dead-letters', '/rules', '/rules/coverage', '/rules/attack', '/rules/baselines', '/look-backs', '/dossiers', '/dossiers/transition', '/assets', '/assets/new', '/assets/seen', '/orders/new?kind=warning&level=3', '/rules/coverage?status=log_never_seen', '/rules/test', '/exceptions', '/playbooks', '/indicators', '/indicators?state=all', '/indicators/new', '/audit', '/audit/anchor', '/accounts', '/accounts/new', '/my-work', '/delegations', '/approvals', '/posts', '/posts/new', '/people', '/account', '/account/second-factor', '/help/keys', '/deadlines', '/reports', '/report', '/notices', '/notices/preferences', '/notify', '/notify/rules', '/duty/roster', '/duty/handovers', '/duty/handovers/new', '/jobs', '/keeping', '/nodes', '/quality', '/systems/running-without', '/admin-units', '/agencies/tree', '/import/agencies', '/import/systems', '/import/people', '/orders', '/orders/new', '/orders/new?template=patch', '/orders/record', '/statistics', '/statistics?by=agency',
];
const LISTS = { '/alerts': 'a[href^="/alerts/"]', '/incidents': 'a[href^="/incidents/"]', '/sources': 'a[href^="/sources/"]', '/systems': 'a[href^="/systems/"]', '/agencies': 'a[href^="/agencies/"]', '/posts': 'a[href^="/posts/"]', '/people': 'a[href^="/people/"]', '/rules': 'a[href^="/rules/"]', '/playbooks': 'a[href^="/playbooks/"]' };

let browser;
let context;
before(async () => {
  browser = await startChromium();
  context = await browser.newContext({ viewport: DESKTOP });
  context.setDefaultTimeout(PATIENCE);
  await signIn(await context.newPage());
});
after(async () => {
  await browser.close();
});

/** Opens a page, hands it over and closes it whatever happens: a page left open holds the connection
 * of the announcements, and a browser has six to one host. */
async function visit(path, look, how) {
  const { page, complaints } = await open(path, how);
  try {
    return await look(page, complaints);
  } finally {
    await page.close();
  }
}

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

let found;
async function paths() {
  if (found) return found;
  const all = [...PAGES];
  for (const [list, selector] of Object.entries(LISTS)) {
    const links = await visit(list, (page) => page.$$eval(selector, (here) => here.map((link) => link.getAttribute('href'))));
    const detail = links.find((link) => !/\/(new|export|import|test)|\?|\.(csv|xlsx)/.test(link));
    if (detail) all.push(detail);
  }
  found = all;
  return all;
}

test('every page is accessible, quiet and complete in light and dark', async (t) => {
  for (const path of await paths()) {
    for (const dark of [false, true]) {
      await t.test(`${path} ${dark ? 'dark' : 'light'}`, async () => {
        await visit(path, async (page, complaints) => {
          assert.equal(await page.locator('h1').count(), 1, 'one heading');
          assert.deepEqual(await axe(page), []);
          assert.deepEqual(complaints, []);
        }, { dark });
      });
    }
  }
});

test('no page is wider than a phone, and no number or date stands there without its name', async (t) => {
  for (const path of await paths()) {
    await t.test(path, async () => {
      const { width, bare } = await visit(path, (page) => page.evaluate(() => ({
        width: document.documentElement.scrollWidth,
        // The heads of columns are away: a row is a card.
        bare: [...document.querySelectorAll('table[data-rows] tbody td')]
          .filter((cell) => /^\d{1,3}(\.\d{3})*(,\d+)?$|^\d\d\/\d\d\/\d{4}$/.test(cell.innerText.trim()) && getComputedStyle(cell, '::before').content === 'none')
          .map((cell) => cell.innerText),
      })), { viewport: PHONE });
      assert.ok(width <= PHONE.width, `${width} px`);
      assert.deepEqual(bare.slice(0, 3), []);
    });
  }
});

test('every page reads in English too', async (t) => {
  const english = await browser.newContext({ viewport: DESKTOP, storageState: await context.storageState() });
  english.setDefaultTimeout(PATIENCE);
  await english.addCookies([{ name: 'lang', value: 'en', url: BASE }]);
  for (const path of await paths()) {
    await t.test(path, async () => {
      const page = await english.newPage();
      try {
        await page.goto(BASE + path);
        assert.equal(await page.getAttribute('html', 'lang'), 'en');
        assert.doesNotMatch(await page.locator('main').innerText(), /⟦/, 'every text is there');
      } finally {
        await page.close();
      }
    });
  }
  await english.close();
});

test('the sign-in page is light enough for a slow line', async () => {
  const fresh = await browser.newContext();
  fresh.setDefaultTimeout(PATIENCE);
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

test('the list of a completed line is read out', () => visit('/search', async (page, complaints) => {
  await page.locator('#line').fill('src');
  await page.locator('#line-offers [role=option]').first().waitFor();
  await page.locator('#line').press('ArrowDown');
  assert.match(await page.locator('#line-told').textContent(), /\d/);
  assert.deepEqual(await axe(page), []);
  assert.deepEqual(complaints, []);
}));

test('pages work without JavaScript', async () => {
  const plain = await browser.newContext({ javaScriptEnabled: false, storageState: await context.storageState() });
  plain.setDefaultTimeout(PATIENCE);
  const page = await plain.newPage();
  for (const path of ['/', '/alerts', '/search?q=*', '/sources']) {
    const answer = await page.goto(BASE + path);
    assert.equal(answer.status(), 200, path);
    assert.ok((await page.locator('main').innerText()).length > 20, path);
  }
  await plain.close();
});

test('ten pages can stand open side by side', async () => {
  // One of them holds the stream of announcements; were it one each, the seventh would never load.
  const many = await browser.newContext({ storageState: await context.storageState() });
  for (let n = 0; n < 10; n += 1) {
    const answer = await (await many.newPage()).goto(`${BASE}/alerts`, { timeout: PATIENCE });
    assert.equal(answer.status(), 200);
  }
  await many.close();
});
