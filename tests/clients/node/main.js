// node-zookeeper-client, unmodified, against three nodes: `main.js [PART OF A SCENARIO'S NAME]`.
'use strict';

const scenarios = { ...require('./operations'), ...require('./reconnect') };

async function main(filter) {
  let ran = 0;
  for (const [name, run] of Object.entries(scenarios)) {
    if (!name.includes(filter)) continue;
    console.log(`node: ${name}`);
    const began = Date.now();
    await run();
    console.log(`node: ok, ${((Date.now() - began) / 1000).toFixed(1)} s`);
    ran += 1;
  }
  console.log(`node: ${ran} scenarios passed`);
  return ran > 0 ? 0 : 1;
}

main(process.argv[2] ?? '').then(process.exit, (error) => {
  console.error(error);
  process.exit(1);
});
