// Operations on a cluster that nothing happens to.
'use strict';

const { assert, addresses } = require('./check');
const { Session, refused, zookeeper } = require('./session');

const { CreateMode, Exception, Permission } = zookeeper;
const PIPELINED = 500;

async function creates() {
  const session = await Session.open();
  await session.call('create', '/n-modes', Buffer.from('x'));
  const made = await session.call('create', '/n-modes/s-', null, CreateMode.PERSISTENT_SEQUENTIAL);
  assert.equal(made, '/n-modes/s-0000000000');
  const own = await session.call('create', '/n-modes/e-', null, CreateMode.EPHEMERAL_SEQUENTIAL);
  const stat = await session.call('exists', own);
  assert.equal(stat.ephemeralOwner.toString('hex'), session.id());
  await refused(Exception.NODE_EXISTS, session.call('create', '/n-modes'));
  await refused(Exception.NO_NODE, session.call('create', '/n-none/child'));
  await session.call('mkdirp', '/n-modes/on/the/way');
  const [children, parent] = await session.read('getChildren', '/n-modes');
  assert.deepEqual(children.sort(), ['e-0000000001', 'on', 's-0000000000']);
  assert.equal(parent.numChildren, 3);
  session.close();
}

async function versions() {
  const session = await Session.open();
  await session.call('create', '/n-versions', Buffer.from('one'));
  const stat = await session.call('setData', '/n-versions', Buffer.from('two'), 0);
  assert.equal(stat.version, 1);
  await refused(Exception.BAD_VERSION, session.call('setData', '/n-versions', Buffer.from('x'), 0));
  const [data] = await session.read('getData', '/n-versions');
  assert.equal(data.toString(), 'two');
  await session.call('create', '/n-versions/child');
  await refused(Exception.NOT_EMPTY, session.call('remove', '/n-versions'));
  await session.call('removeRecursive', '/n-versions');
  assert.equal(await session.call('exists', '/n-versions'), null);
  session.close();
}

async function transactions() {
  const session = await Session.open();
  const commit = (transaction) => new Promise((resolve, reject) => {
    transaction.commit((error, results) => (error ? reject(Object.assign(error, { results })) : resolve(results)));
  });
  const results = await commit(session.client.transaction()
    .create('/n-multi').create('/n-multi/s-', null, null, CreateMode.PERSISTENT_SEQUENTIAL)
    .setData('/n-multi', Buffer.from('x'), 0).check('/n-multi', 1));
  assert.equal(results[1].path, '/n-multi/s-0000000000');
  await refused(Exception.NOT_EMPTY, commit(session.client.transaction()
    .setData('/n-multi', Buffer.from('lost'), 1).remove('/n-multi', -1)));
  const [data] = await session.read('getData', '/n-multi');
  assert.equal(data.toString(), 'x');
  session.close();
}

async function accessLists() {
  const owner = await Session.open(addresses[0]);
  const stranger = await Session.open(addresses[0]);
  owner.client.addAuthInfo('digest', Buffer.from('holdfast:secret'));
  const mine = [new zookeeper.ACL(Permission.ALL, zookeeper.Id.AUTH_IDS)];
  await owner.call('create', '/n-private', Buffer.from('x'), mine);
  await refused(Exception.NO_AUTH, stranger.read('getData', '/n-private'));
  const [list] = await owner.read('getACL', '/n-private');
  assert.equal(list[0].id.scheme, 'digest');
  await owner.call('setACL', '/n-private', zookeeper.ACL.READ_ACL_UNSAFE);
  const [data] = await stranger.read('getData', '/n-private');
  assert.equal(data.toString(), 'x');
  owner.close();
  stranger.close();
}

async function watches() {
  const watching = await Session.open(addresses[0]);
  const writing = await Session.open(addresses[1]);
  await writing.call('create', '/n-watches');
  // The writer's answer came from another node: a write of its own brings the watcher's node up to it.
  await watching.call('create', '/n-watches-barrier');
  await watching.read('getData', '/n-watches', watching.watcher);
  await watching.read('getChildren', '/n-watches', watching.watcher);
  assert.equal(await watching.call('exists', '/n-watches/new', watching.watcher), null);
  await writing.call('setData', '/n-watches', Buffer.from('x'));
  await writing.call('setData', '/n-watches', Buffer.from('y'));
  await writing.call('create', '/n-watches/new');
  await watching.event('NODE_DATA_CHANGED', '/n-watches');
  await watching.event('NODE_CHILDREN_CHANGED', '/n-watches');
  await watching.event('NODE_CREATED', '/n-watches/new');
  watching.close();
  writing.close();
}

async function pipeline() {
  const session = await Session.open();
  await session.call('create', '/n-pipeline');
  const order = [];
  const writes = Array.from({ length: PIPELINED }, (_, at) =>
    session.call('setData', '/n-pipeline', Buffer.from('x')).then((stat) => order.push([at, stat.version])));
  await Promise.all(writes);
  assert.deepEqual(order, Array.from({ length: PIPELINED }, (_, at) => [at, at + 1]));
  session.close();
}

module.exports = {
  'creates of every mode': creates,
  'versions and refusals': versions,
  transactions,
  'access lists': accessLists,
  'one-shot watches': watches,
  'pipelined writes in order': pipeline,
};
