// Looks at a report in headless Chromium, wide and narrow, light and dark.
//
//	node check.js report.html directory-for-screenshots chromium
//
// Speaks TAP.
'use strict';
const { chromium } = require('playwright-core');
const { pathToFileURL } = require('node:url');
const path = require('node:path');

const [page_file, shots, executablePath] = process.argv.slice(2);
let number = 0;
let failed = 0;

function ok(holds, words, found) {
	number++;
	if (!holds) failed++;
	console.log(`${holds ? 'ok' : 'not ok'} ${number} - ${words}`);
	if (!holds && found !== undefined) console.log(`#   found: ${JSON.stringify(found)}`);
}

// what a person would see of each picture: how large it is, and its pen strokes
function look() {
	const luminance = (colour) => {
		const parts = colour.match(/[\d.]+/g).slice(0, 3).map((v) => {
			const c = v / 255;
			return c <= 0.03928 ? c / 12.92 : ((c + 0.055) / 1.055) ** 2.4;
		});
		return 0.2126 * parts[0] + 0.7152 * parts[1] + 0.0722 * parts[2];
	};
	const contrast = (a, b) => {
		const [dark, light] = [luminance(a), luminance(b)].sort((x, y) => x - y);
		return (light + 0.05) / (dark + 0.05);
	};
	const card = (el) => getComputedStyle(el.closest('section, .card') || document.body).backgroundColor;
	const pictures = [...document.querySelectorAll('svg')].map((svg) => {
		const box = svg.getBoundingClientRect();
		const drawn = [...svg.querySelectorAll('path.line, path.area')].filter((p) => {
			const b = p.getBoundingClientRect();
			return b.width > 1 && p.getTotalLength() > 1 && b.left >= box.left - 2 &&
				b.right <= box.right + 2 && b.top >= box.top - 2 && b.bottom <= box.bottom + 2;
		});
		const words = [...svg.querySelectorAll('text')];
		const cut = words.filter((t) => {
			const b = t.getBoundingClientRect();
			return b.left < box.left - 1 || b.right > box.right + 1;
		});
		const section = svg.closest('section');
		return {
			label: svg.getAttribute('aria-label'),
			visible: box.width > 200 && box.height > 80,
			drawn: drawn.length,
			words: words.length,
			cut: cut.map((t) => t.textContent),
			cells: section.querySelectorAll('td').length,
			faint: drawn.filter((p) => contrast(getComputedStyle(p).color, card(p)) < 2).length,
		};
	});
	const pale = [...document.querySelectorAll('h1, h2, p, td, th, .card b, .card span, figcaption .name')]
		.filter((el) => el.textContent.trim() && contrast(getComputedStyle(el).color, card(el)) < 4.5)
		.map((el) => el.textContent.trim().slice(0, 40));
	return {
		pictures,
		pale,
		background: getComputedStyle(document.body).backgroundColor,
		overflow: document.documentElement.scrollWidth - window.innerWidth,
		titles: [...document.querySelectorAll('h2')].map((h) => h.textContent),
	};
}

async function check(browser, width, scheme) {
	const context = await browser.newContext({
		viewport: { width, height: 900 }, colorScheme: scheme, javaScriptEnabled: true,
	});
	const page = await context.newPage();
	const complaints = [];
	const requests = [];
	page.on('console', (m) => complaints.push(m.text()));
	page.on('pageerror', (e) => complaints.push(e.message));
	page.on('request', (r) => requests.push(r.url()));
	const url = pathToFileURL(path.resolve(page_file)).href;
	await page.goto(url, { waitUntil: 'load' });
	const seen = await page.evaluate(look);
	const where = `${width} pixels, ${scheme}`;
	ok(complaints.length === 0, `${where}: nothing on the console`, complaints);
	ok(requests.length === 1 && requests[0] === url, `${where}: nothing is fetched`, requests);
	ok(seen.overflow <= 0, `${where}: no scrolling sideways`, seen.overflow);
	ok(seen.pictures.length === 6, `${where}: six pictures`, seen.titles);
	for (const p of seen.pictures) {
		ok(p.visible && p.drawn > 0 && p.words > 1, `${where}: "${p.label}" is not empty`, p);
		ok(p.cut.length === 0, `${where}: its words are whole`, p.cut);
		ok(p.faint === 0, `${where}: its curves can be seen`, p.faint);
		ok(p.cells > 3, `${where}: with its numbers beside it`, p.cells);
	}
	ok(seen.pale.length === 0, `${where}: words can be read (contrast 4.5)`, seen.pale);
	await page.screenshot({ path: path.join(shots, `report-${width}-${scheme}.png`), fullPage: true });
	await context.close();
	return seen;
}

(async () => {
	const browser = await chromium.launch({
		executablePath,
		args: ['--no-sandbox', '--disable-gpu', '--disable-quic', '--no-first-run',
			'--disable-background-networking', '--disable-component-update', '--disable-sync'],
	});
	const backgrounds = new Set();
	for (const width of [1280, 390]) {
		for (const scheme of ['light', 'dark']) backgrounds.add((await check(browser, width, scheme)).background);
	}
	ok(backgrounds.size === 2, 'light and dark differ', [...backgrounds]);
	await browser.close();
	console.log(`1..${number}`);
	process.exit(failed ? 1 : 0);
})();
