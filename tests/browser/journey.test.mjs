// A night on duty, as the officer walks it: from the sign-in to the closed incident, by clicks and keys
// alone. Needs a province with alerts (the demonstration's drill makes them).
import assert from 'node:assert/strict';
import { after, before, test } from 'node:test';
import { BASE, PATIENCE, signIn, startChromium } from './chromium.mjs';

const MARK = `ca trực ${process.pid}`;

let browser;
let page;
const complaints = [];
before(async () => {
  browser = await startChromium();
  const context = await browser.newContext({ viewport: { width: 1440, height: 900 }, acceptDownloads: true });
  await context.addCookies([{ name: 'lang', value: 'vi', url: BASE }]);
  page = await context.newPage();
  page.setDefaultTimeout(PATIENCE);
  page.on('console', (line) => line.type() === 'error' && complaints.push(line.text()));
  page.on('pageerror', (error) => complaints.push(String(error)));
  await signIn(page);
});
after(async () => {
  await browser.close();
});

/** Presses the button of a form and waits for the page that answers it. */
async function send(selector) {
  await Promise.all([page.waitForNavigation({ waitUntil: 'load' }), page.click(selector)]);
}

const notice = () => page.locator('.notice').innerText();

test('the duty page leads to an alert', async () => {
  await page.goto(`${BASE}/duty`);
  assert.ok((await page.locator('[data-row]').count()) <= 10, 'a short list');
  await page.locator('[data-chart="timeline"] canvas').first().waitFor();
  // One that no incident has yet: the list of new alerts, the worst first.
  await page.goto(`${BASE}/alerts?state=new`);
  await page.keyboard.press('j');
  await Promise.all([page.waitForURL(/\/alerts\/[0-9a-f-]+$/), page.keyboard.press('Enter')]);
  const why = await page.locator('main').innerText();
  assert.doesNotMatch(why, /«»| in \d+ s\b/, 'a sentence, not the engine\'s notation');
});

test('the officer takes the alert and says why', async () => {
  await send('form[action$="/start"] button');
  assert.match(await notice(), /Đã nhận xử lý/);
  await page.fill('#comment', MARK);
  await send('form[action$="/comment"] button');
  assert.ok((await page.locator('#history').innerText()).includes(MARK));
});

test('an exception can be looked at before it is made', async (t) => {
  const link = page.locator('a[href^="/exceptions/new"]');
  if (!(await link.count())) return t.skip('this role makes no exceptions');
  const alert = page.url();
  await Promise.all([page.waitForURL(/\/exceptions\/new/), link.click()]);
  await page.fill('#reason', MARK);
  await send('button[formaction="/exceptions/preview"]');
  const seen = await page.locator('form p[role=status]').innerText();
  const kept = await page.inputValue('#reason');
  await page.goto(alert);
  assert.match(seen, /\d+ trong \d+ lần khớp/);
  assert.equal(kept, MARK, 'what was typed is kept');
  return undefined;
});

test('the alert becomes an incident that is noted and closed', async () => {
  await send('form[action="/incidents"] button');
  assert.match(page.url(), /\/incidents\/[0-9a-f-]+$/);
  assert.match(await notice(), /Đã tạo sự cố/);
  await page.fill('#note', `${MARK}: đã gọi trực ban đơn vị`);
  await send('form[action$="/note"] button');
  assert.ok((await page.locator('.timeline').innerText()).includes(MARK));
  await send('form[action$="/contain"] button');
  await page.click('.tabs a[href$="/closing"]');
  await page.fill('#cause', `Nguyên nhân: ${MARK}`);
  await page.fill('#impact', 'Không mất dữ liệu');
  await page.fill('#lessons', 'Vá sớm hơn');
  await page.fill('#cost', 'Hai giờ công');
  await page.fill('#follow-up', 'Rà soát các trang khác');
  await send('form[action$="/close"] button');
  assert.match(await notice(), /Đã đóng sự cố/);
  assert.ok((await page.locator('main').innerText()).includes(`Nguyên nhân: ${MARK}`));
  assert.equal(await page.locator('form[action$="/close"]').count(), 0, 'closed once');
});

test('a search is narrowed by a click, an event opened, the answer exported', async (t) => {
  await page.goto(`${BASE}/search?q=&range=24h`);
  const count = async () => Number((await page.locator('#results strong.num').first().innerText()).replace(/\D/g, ''));
  const all = await count();
  assert.ok(all > 0, 'an empty line shows everything');
  await page.selectOption('select[name=range]', '7d');
  await Promise.all([page.waitForURL(/range=7d/), page.click('form[data-span] button')]);
  const field = page.locator('.fields details').first();
  await field.locator('summary').click();
  const value = field.locator('li a').first();
  const words = await value.innerText();
  await Promise.all([page.waitForURL((url) => url.searchParams.get('q') !== '*' && url.searchParams.get('q') !== ''), value.click()]);
  const some = await count();
  assert.ok(some > 0 && some <= all, `${words}: ${some} of ${all}`);
  const event = page.locator('details.event').first();
  await event.locator('summary').click();
  assert.ok((await event.locator('pre.log').innerText()).length > 0, 'the original line');
  const found = await event.locator('td mark').allInnerTexts();
  assert.ok(found.length > 0, `${words} is marked in its field`);
  const link = page.locator('a[href^="/search/export.csv"]');
  if (!(await link.count())) return t.skip('this role exports no events');
  const [file] = await Promise.all([page.waitForEvent('download'), link.click()]);
  assert.match(file.suggestedFilename(), /\.csv$/);
  assert.equal(await file.failure(), null);
  return undefined;
});

test('what a search found is marked in the records', async () => {
  await page.goto(`${BASE}/search?q=&range=24h`);
  const raw = await page.locator('details.event pre.log').first().textContent();
  const word = raw.match(/(?<![\p{L}\p{M}\p{N}_])[A-Za-z]{4,}(?![\p{L}\p{M}\p{N}_])/u)[0];
  await page.goto(`${BASE}/search?range=24h&q=${encodeURIComponent(word.toUpperCase())}`);
  const marks = page.locator('details.event pre.log mark');
  assert.ok((await marks.count()) > 0, word);
  for (const text of await marks.allTextContents()) assert.equal(text.toLowerCase(), word.toLowerCase());
});

test('names and values are completed under the hand', async () => {
  await page.goto(`${BASE}/search`);
  const line = page.locator('#line');
  const offers = page.locator('#line-offers [role=option]');
  const active = async () => page.locator(`#${await line.getAttribute('aria-activedescendant')} .mono`).innerText();
  await line.fill('src_i');
  await offers.first().waitFor();
  assert.equal(await line.getAttribute('aria-expanded'), 'true');
  assert.equal(await line.getAttribute('aria-activedescendant'), null, 'nothing is taken unasked');
  await line.press('ArrowDown');
  assert.equal(await active(), 'src_ip:');
  await line.press('Enter');
  assert.equal(await line.inputValue(), 'src_ip:');
  await line.fill('NOT status:fai');
  await offers.filter({ hasText: /^failure/ }).waitFor();
  await line.press('ArrowDown');
  await line.press('Tab');
  assert.equal(await line.inputValue(), 'NOT status:failure ');
  await line.fill('* | sta');
  await offers.filter({ hasText: /^stats/ }).waitFor();
  await line.press('Escape');
  assert.ok(await page.locator('#line-offers').isHidden());
  assert.equal(await line.inputValue(), '* | sta', 'the line is kept');
  assert.ok(await line.evaluate((box) => box === document.activeElement), 'and so is the place');
  await line.fill('us');
  await offers.filter({ hasText: /^user:/ }).first().click();
  assert.equal(await line.inputValue(), 'user:');
  const desk = page.viewportSize();
  await page.setViewportSize({ width: 390, height: 844 });
  assert.ok(await line.isVisible(), 'on a phone too');
  await page.setViewportSize(desk);
});

test('a mistake in the line is shown where it stands', async () => {
  await page.goto(`${BASE}/search`);
  await page.fill('input[name=q] >> nth=-1', 'src_ip:(10.0.0.1');
  await Promise.all([page.locator('#line-error').waitFor(), page.click('form[data-span] button')]);
  assert.match(await page.locator('#line-error').innerText(), /cột \d+/);
});

test('nothing complained on the way', () => {
  // The mistyped search answers 422, which the browser reports by itself.
  assert.deepEqual(complaints.filter((line) => !/422/.test(line)), []);
});
