import java.nio.charset.StandardCharsets;
import java.util.List;
import java.util.concurrent.CountDownLatch;
import java.util.concurrent.TimeUnit;
import org.apache.curator.framework.CuratorFramework;
import org.apache.curator.framework.api.transaction.CuratorOp;
import org.apache.curator.framework.api.transaction.CuratorTransactionResult;
import org.apache.zookeeper.CreateMode;
import org.apache.zookeeper.KeeperException.Code;
import org.apache.zookeeper.data.Stat;

/** Curator's framework: everything below its recipes. */
final class CuratorFrameworkScenarios {
    private static final long TTL_MS = 500;

    private CuratorFrameworkScenarios() {}

    static void addTo(Main main) {
        main.add("create, read, update, delete", CuratorFrameworkScenarios::crud);
        main.add("parents on the way, as containers too", CuratorFrameworkScenarios::parents);
        main.add("protected creates, also when the node is killed", CuratorFrameworkScenarios::protection);
        main.add("transactions", CuratorFrameworkScenarios::transactions);
        main.add("time to live", CuratorFrameworkScenarios::timeToLive);
        main.add("namespace, background, idempotent", CuratorFrameworkScenarios::variants);
    }

    private static byte[] bytes(String text) {
        return text.getBytes(StandardCharsets.UTF_8);
    }

    private static void crud() throws Exception {
        try (CuratorFramework client = Curators.open()) {
            Stat made = new Stat();
            client.create().storingStatIn(made).forPath("/q-crud", bytes("one"));
            Check.equal(3, made.getDataLength(), "length in the stat of a create");
            Stat read = new Stat();
            Check.equal("one", new String(client.getData().storingStatIn(read).forPath("/q-crud")), "data");
            Check.equal(made, read, "stats");
            Check.equal(1, client.setData().withVersion(0).forPath("/q-crud", bytes("two")).getVersion(), "version");
            Check.refused(Code.BADVERSION, () -> client.setData().withVersion(0).forPath("/q-crud", bytes("x")));
            client.setData().compressed().forPath("/q-crud", new byte[10_000]);
            Check.equal(10_000, client.getData().decompressed().forPath("/q-crud").length, "length");
            client.create().creatingParentsIfNeeded().forPath("/q-crud/a/b/c");
            client.create().orSetData().forPath("/q-crud/a", bytes("set"));
            Check.refused(Code.NOTEMPTY, () -> client.delete().forPath("/q-crud/a"));
            client.delete().guaranteed().deletingChildrenIfNeeded().forPath("/q-crud");
            Check.equal(null, client.checkExists().forPath("/q-crud"), "a deleted znode");
            client.delete().quietly().forPath("/q-crud");
        }
    }

    private static void parents() throws Exception {
        try (CuratorFramework client = Curators.open()) {
            client.create().creatingParentContainersIfNeeded().withMode(CreateMode.EPHEMERAL).forPath("/q-box/in/x");
            Check.equal(List.of("x"), client.getChildren().forPath("/q-box/in"), "children");
            Check.equal(0L, client.checkExists().forPath("/q-box/in").getEphemeralOwner(), "owner of a container");
            client.createContainers("/q-made/on/the/way");
            Check.that(client.checkExists().creatingParentsIfNeeded().forPath("/q-made/else/x") == null, "x");
            Check.that(client.checkExists().forPath("/q-made/else") != null, "no parent");
        }
    }

    /** Curator finds its own znode again by the id in its name when the answer of the create was lost. */
    private static void protection() throws Exception {
        try (CuratorFramework client = Curators.open()) {
            client.create().forPath("/q-protected");
            for (int round = 0; round < 3; round++) {
                int node = Curators.node(client);
                CountDownLatch killed = new CountDownLatch(1);
                Thread killer = new Thread(() -> {
                    Nodes.kill(node);
                    killed.countDown();
                });
                killer.start();
                int before = client.getChildren().forPath("/q-protected").size();
                String path = client.create().withProtection().withMode(CreateMode.EPHEMERAL_SEQUENTIAL)
                        .forPath("/q-protected/p-");
                Check.that(killed.await(Check.WAIT.toSeconds(), TimeUnit.SECONDS), "not killed");
                killer.join();
                List<String> children = client.getChildren().forPath("/q-protected");
                Check.equal(before + 1, children.size(), "children " + children);
                Check.that(children.contains(path.substring("/q-protected/".length())), path + " in " + children);
                Nodes.start(node);
            }
        }
    }

    private static void transactions() throws Exception {
        try (CuratorFramework client = Curators.open()) {
            CuratorOp create = client.transactionOp().create().forPath("/q-txn", bytes("x"));
            CuratorOp child = client.transactionOp().create().withMode(CreateMode.PERSISTENT_SEQUENTIAL).forPath("/q-txn/s-");
            CuratorOp set = client.transactionOp().setData().withVersion(0).forPath("/q-txn", bytes("y"));
            CuratorOp check = client.transactionOp().check().withVersion(1).forPath("/q-txn");
            List<CuratorTransactionResult> results = client.transaction().forOperations(create, child, set, check);
            Check.equal("/q-txn/s-0000000000", results.get(1).getResultPath(), "path");
            Check.equal(1, results.get(2).getResultStat().getVersion(), "version");
            CuratorOp wrong = client.transactionOp().check().withVersion(9).forPath("/q-txn");
            CuratorOp delete = client.transactionOp().delete().forPath("/q-txn/s-0000000000");
            Check.refused(Code.BADVERSION, () -> client.transaction().forOperations(delete, wrong));
            Check.equal(1, client.getChildren().forPath("/q-txn").size(), "children after a refusal");
        }
    }

    private static void timeToLive() throws Exception {
        try (CuratorFramework client = Curators.open()) {
            client.create().withTtl(TTL_MS).withMode(CreateMode.PERSISTENT_WITH_TTL).forPath("/q-ttl");
            Check.eventually("the znode to vanish", () -> client.checkExists().forPath("/q-ttl") == null);
        }
    }

    private static void variants() throws Exception {
        try (CuratorFramework client = Curators.open()) {
            CuratorFramework below = client.usingNamespace("q-space");
            below.create().forPath("/x", bytes("1"));
            Check.that(client.checkExists().forPath("/q-space/x") != null, "no znode in the namespace");
            CountDownLatch answered = new CountDownLatch(1);
            below.getData().inBackground((ignored, event) -> {
                if (event.getResultCode() == 0 && event.getData().length == 1) {
                    answered.countDown();
                }
            }).forPath("/x");
            Check.that(answered.await(Check.WAIT.toSeconds(), TimeUnit.SECONDS), "no answer in the background");
            below.create().idempotent().forPath("/same", bytes("1"));
            below.create().idempotent().forPath("/same", bytes("1"));
            below.setData().idempotent().withVersion(0).forPath("/same", bytes("2"));
            below.setData().idempotent().withVersion(0).forPath("/same", bytes("2"));
            client.sync().forPath("/");
            below.delete().idempotent().forPath("/same");
            below.delete().idempotent().forPath("/same");
        }
    }
}
