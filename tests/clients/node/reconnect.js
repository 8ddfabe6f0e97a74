// Nodes that are killed, and sessions that end.
'use strict';

const { assert, addresses, order, until } = require('./check');
const { Session, zookeeper, LONG_TIMEOUT_MS, SHORT_TIMEOUT_MS } = require('./session');

const { CreateMode, Exception } = zookeeper;
const WRITES = 100;
const KILL_AT = 30;

async function watch(session, path) {
  await session.read('getData', path, session.watcher);
  await session.read('getChildren', path, session.watcher);
  await session.call('exists', `${path}/new`, session.watcher);
}

async function changed(session, path) {
  await session.event('NODE_DATA_CHANGED', path);
  await session.event('NODE_CHILDREN_CHANGED', path);
  await session.event('NODE_CREATED', `${path}/new`);
}

async function change(session, path) {
  await session.call('setData', path, Buffer.from('x'));
  await session.call('create', `${path}/new`);
}

async function watchesSurvive() {
  const watching = await Session.open(addresses[0], LONG_TIMEOUT_MS);
  const writing = await Session.open(addresses[1], LONG_TIMEOUT_MS);
  for (const path of ['/n-away', '/n-calm']) {
    await watching.call('create', path);
    await watch(watching, path);
  }
  const id = watching.id();
  await order('kill 1');
  await watching.disconnected();
  await writing.connected();
  await until('a leader', () => writing.call('setData', '/n-away', Buffer.from('x')).then(() => true, () => false));
  await writing.call('create', '/n-away/new');
  await order('start 1');
  await watching.connected();
  assert.equal(watching.id(), id);
  await changed(watching, '/n-away');
  await change(writing, '/n-calm');
  await changed(watching, '/n-calm');
  watching.close();
  writing.close();
}

async function sessionMoves() {
  const session = await Session.open();
  const id = session.id();
  await session.call('create', '/n-moved');
  await session.call('create', '/n-moved/ephemeral', null, CreateMode.EPHEMERAL);
  await watch(session, '/n-moved');
  const first = session.node();
  assert.notEqual(first, 0);
  await order(`kill ${first}`);
  await session.movedFrom(first);
  assert.equal(session.id(), id);
  const stat = await session.call('exists', '/n-moved/ephemeral');
  assert.equal(stat.ephemeralOwner.toString('hex'), id);
  await change(session, '/n-moved');
  await changed(session, '/n-moved');
  await order(`start ${first}`);
  session.close();
}

/** A write whose connection broke may have happened or not; the version tells. */
async function leaderKilled() {
  const session = await Session.open();
  const id = session.id();
  await session.call('create', '/n-leader');
  const leader = await order('leader');
  let done = 0;
  let unknown = 0;
  for (let write = 0; done < WRITES; write += 1) {
    if (write === KILL_AT) {
      await order(`kill ${leader}`);
    }
    try {
      await session.call('setData', '/n-leader', Buffer.from('x'));
      done += 1;
    } catch (error) {
      assert.equal(error.getCode(), Exception.CONNECTION_LOSS, String(error));
      unknown += 1;
      assert.ok(unknown < WRITES, `${unknown} writes of unknown outcome`);
      await session.connected();
    }
  }
  const stat = await session.call('exists', '/n-leader');
  assert.ok(done <= stat.version && stat.version <= done + unknown, `version ${stat.version}, ${done}, ${unknown}`);
  assert.equal(session.id(), id);
  await order(`start ${leader}`);
  session.close();
}

async function frozen() {
  const other = await Session.open();
  const session = await Session.open(addresses.join(','), SHORT_TIMEOUT_MS);
  await session.call('create', '/n-frozen', null, CreateMode.EPHEMERAL);
  await order(`freeze ${session.id()}`);
  await session.expired();
  await other.connected();
  await other.call('create', '/n-frozen-barrier');
  assert.equal(await other.call('exists', '/n-frozen'), null);
  other.close();
}

async function closed() {
  const other = await Session.open(addresses[2]);
  const session = await Session.open(addresses[0]);
  await session.call('create', '/n-closed', null, CreateMode.EPHEMERAL);
  await other.call('create', '/n-closed-barrier');
  assert.ok(await other.call('exists', '/n-closed', other.watcher));
  session.close();
  await other.event('NODE_DELETED', '/n-closed');
  other.close();
}

module.exports = {
  'watches survive a restart of the only node': watchesSurvive,
  'a session moves when its node is killed': sessionMoves,
  'writes go on when the leader is killed': leaderKilled,
  'a frozen session expires': frozen,
  'a closed session leaves nothing': closed,
};
