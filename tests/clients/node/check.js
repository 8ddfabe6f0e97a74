// Checks, waiting for conditions, and orders to the runner (run.py says which there are).
'use strict';

const assert = require('node:assert/strict');
const readline = require('node:readline');

const WAIT_MS = 30000;
const POLL_MS = 10;

const answers = readline.createInterface({ input: process.stdin });
const waiting = [];
answers.on('line', (line) => waiting.shift()(line));

/** Sends an order to the runner; resolves to the value of its answer. */
async function order(text) {
  const answer = new Promise((resolve) => waiting.push(resolve));
  process.stdout.write(`@${text}\n`);
  const line = await answer;
  assert.ok(line.startsWith('ok'), `${text}: ${line}`);
  return line.slice(2).trim();
}

/** Asks until the answer is a true one. */
async function until(what, condition) {
  const deadline = Date.now() + WAIT_MS;
  while (!(await condition())) {
    assert.ok(Date.now() < deadline, `waited ${WAIT_MS} ms for ${what}`);
    await new Promise((resolve) => setTimeout(resolve, POLL_MS));
  }
}

const addresses = process.env.HOLDFAST_ZOOKEEPER.split(',');

module.exports = { assert, order, until, addresses, close: () => answers.close() };
