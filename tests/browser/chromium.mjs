// Starts Debian's Chromium without any call home, and signs in. Shared by the tests and by the screenshots.
import { chromium } from 'playwright-core';

/** Flags that keep Chromium from looking for its makers' hosts: tests reach loopback only. */
const QUIET = [
  '--no-sandbox',
  '--disable-gpu',
  '--disable-quic',
  '--no-first-run',
  '--disable-background-networking',
  '--disable-component-update',
  '--disable-sync',
];

/** How long anything may take before a test calls it failed, on the slowest machine at its busiest; milliseconds. */
export const PATIENCE = 120_000;

export const BASE = process.env.LUYTRE_URL;
export const LOGIN = process.env.LUYTRE_LOGIN;
export const PASSWORD = process.env.LUYTRE_PASSWORD;

export function startChromium() {
  return chromium.launch({ executablePath: process.env.CHROMIUM ?? '/usr/bin/chromium', args: QUIET, timeout: PATIENCE });
}

/** Signs in through the form, as a person does. */
export async function signIn(page) {
  await page.goto(`${BASE}/sign-in`);
  await page.fill('input[name=login]', LOGIN);
  await page.fill('input[name=password]', PASSWORD);
  await page.press('input[name=password]', 'Enter');
  await page.waitForURL((url) => !url.pathname.startsWith('/sign-in'));
}
