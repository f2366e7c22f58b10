// Takes pictures of pages for a person to look at: node screenshots.mjs FOLDER [path …]
import { mkdirSync } from 'node:fs';
import { BASE, signIn, startChromium } from './chromium.mjs';

const [folder, ...paths] = process.argv.slice(2);
mkdirSync(folder, { recursive: true });
const browser = await startChromium();
const context = await browser.newContext({ viewport: { width: 1440, height: 900 }, locale: 'vi-VN' });
await context.addCookies([{ name: 'lang', value: process.env.LUYTRE_LANG ?? 'vi', url: BASE }]);
await signIn(await context.newPage());
for (const path of paths.length ? paths : ['/']) {
  const name = path.replace(/[^a-z0-9]+/gi, '_').replace(/^_|_$/g, '') || 'home';
  for (const [suffix, viewport, colorScheme] of [
    ['light', { width: 1440, height: 900 }, 'light'],
    ['dark', { width: 1440, height: 900 }, 'dark'],
    ['phone', { width: 390, height: 844 }, 'light'],
  ]) {
    const page = await context.newPage();
    await page.setViewportSize(viewport);
    await page.emulateMedia({ colorScheme });
    await page.goto(BASE + path, { waitUntil: 'load' });
    await page.waitForTimeout(800);
    await page.screenshot({ path: `${folder}/${name}_${suffix}.png` });
    await page.close();
  }
}
await browser.close();
