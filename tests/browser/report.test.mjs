// A commune's officer reports by six questions on a telephone whose network goes and comes back.
import assert from 'node:assert/strict';
import { after, before, test } from 'node:test';
import { BASE, signIn, startChromium } from './chromium.mjs';

const MARK = `trang chủ bị thay ${process.pid}`;
/** What a public or commune page may weigh on its first load. */
const BYTES_MAX = 200_000;

let browser;
let context;
let page;
before(async () => {
  browser = await startChromium();
  context = await browser.newContext({ viewport: { width: 390, height: 844 } });
  await context.addCookies([{ name: 'lang', value: 'vi', url: BASE }]);
  page = await context.newPage();
  page.setDefaultTimeout(15_000);
  await signIn(page);
});
after(async () => {
  await browser.close();
});

test('the page is light, and fits the telephone', async () => {
  const wire = await context.newCDPSession(page);
  let bytes = 0;
  wire.on('Network.loadingFinished', (loaded) => { bytes += loaded.encodedDataLength; });
  await wire.send('Network.enable');
  await wire.send('Network.setCacheDisabled', { cacheDisabled: true });
  await page.goto(`${BASE}/report`, { waitUntil: 'load' });
  assert.ok(bytes > 0 && bytes < BYTES_MAX, `${bytes} bytes`);
  const wide = await page.evaluate(() => document.documentElement.scrollWidth - window.innerWidth);
  assert.ok(wide <= 0, `${wide} px too wide`);
});

test('without a network what was typed is kept, and sent once when it is back', async () => {
  await page.fill('[name=what]', MARK);
  await context.setOffline(true);
  await page.locator('form button').last().click();
  await page.getByText('Chưa có mạng').waitFor();
  assert.equal(await page.inputValue('[name=what]'), MARK);
  await Promise.all([page.waitForURL(/\/report\/[0-9a-f-]{36}$/), context.setOffline(false)]);
  const receipt = await page.locator('main, body').first().innerText();
  assert.match(receipt, /SC-\d{4}-\d{4}/);
  assert.ok(receipt.includes(MARK));
  await page.goto(`${BASE}/report`);
  assert.equal(await page.inputValue('[name=what]'), '', 'sent, and no longer a draft');
  await page.goto(`${BASE}/incidents?q=${encodeURIComponent(MARK)}`);
  assert.equal(await page.locator('tbody [data-row]').count(), 1, 'one incident');
});
